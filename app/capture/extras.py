"""What a run keeps if it is asked to, beside queries and keys: values, norms of the residual stream, the last state.

Axis letters: g key/value head, i query row, j key column, e width of a value, m width of the residual stream.
"""

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from ..attention.hooks import watching
from ..errors import InvalidInput, UnsupportedModel
from ..models.interface.layout import block_of
from ..models.loading import LoadedModel

Extra = Literal["values", "stream", "hidden"]


@dataclass
class Extras:
    """Filled by one run. What is not in `wanted` stays empty.

    values: [g j e] of each captured layer, in order
    stream: [i] of each captured layer: the norm of what its block reads, which is the residual stream
    hidden: one [i m], the last hidden state of the base model, after its last normalisation
    """

    wanted: Collection[Extra]
    values: list[Tensor] = field(default_factory=list)
    stream: list[Tensor] = field(default_factory=list)
    hidden: list[Tensor] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Raises InvalidInput."""
        if unknown := set(self.wanted) - set(get_args(Extra)):
            raise InvalidInput(f"extras {sorted(unknown)}: choose from {', '.join(get_args(Extra))}")

    @contextmanager
    def watching(self, model: LoadedModel) -> Iterator[None]:
        """Within the `with`, a run fills `values` and `stream`."""
        with ExitStack() as undo:
            if "values" in self.wanted:
                undo.enter_context(watching(model.adopted.model, "v", lambda _, v: self.values.append(v[0].clone())))
            if "stream" in self.wanted:
                undo.enter_context(norms_of_stream(model, self.stream))
            yield

    def ended(self, hidden: Tensor) -> None:
        """The last hidden state [1 i m] of the run."""
        if "hidden" in self.wanted:
            self.hidden.append(hidden[0].clone())


@contextmanager
def norms_of_stream(model: LoadedModel, norms: list[Tensor]) -> Iterator[None]:
    """Within the `with`, a run appends to `norms` once for each attention layer. Raises UnsupportedModel."""
    whole = model.adopted.model
    read: dict[str, Tensor] = {}
    with ExitStack() as undo:
        for name in dict.fromkeys(block_of(layer.core) for layer in model.adopted.attention):

            def enter(_: nn.Module, args: Any, options: Any, name: str = name) -> None:
                read[name] = next((x for x in args if isinstance(x, Tensor)), options.get("hidden_states"))

            hook = whole.get_submodule(name).register_forward_pre_hook(enter, with_kwargs=True)
            undo.callback(hook.remove)

        def leave(name: str, lse: Tensor) -> None:
            block = block_of(name.rpartition(".")[0])
            norms.append(norm_of(read.get(block), lse.shape[-1], f"{block} of {model.card.id}"))

        undo.enter_context(watching(whole, "lse", leave))
        yield


def norm_of(x: Tensor | None, queries: int, where: str) -> Tensor:
    """[1 i m], or [i 1 m] -> [i]. Raises UnsupportedModel if it is no stream of one vector for each query."""
    if x is None or x.numel() != queries * x.shape[-1]:
        shape = "no tensor" if x is None else list(x.shape)
        raise UnsupportedModel(
            f"{where} reads {shape}, not one vector for each of {queries} tokens: this model has no norms of a "
            "residual stream; run it without `stream`"
        )
    norms: Tensor = torch.linalg.vector_norm(x, dim=-1)
    return norms.flatten()
