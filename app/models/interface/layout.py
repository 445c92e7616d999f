"""Which attention layers a model has, found by running it once on a few tokens.

Nothing about the architecture is assumed but that its modules call attention through the interface, one after the other
in the same order for every text.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ...attention.hooks import hook_points, watching
from ...attention.terms import Terms
from ...errors import UnsupportedModel
from ...records import BiasKind, StackName

NUMBER = re.compile(r"(?<![^.])\d+(?![^.])")  # a part of a module's name that is a number
OTHER_PARTS = re.compile("norm|dropout|mlp|identity", re.IGNORECASE)


@dataclass(frozen=True)
class AttentionLayer:
    """One call of attention in a forward pass.

    core:        full name of the module that computes it
    index:       the number of the block that it is in, which is the number that the model itself gives its layers
    bias:        what its bias depends on; None if it adds none
    pair_bytes:  memory for each pair of a query and a key, of a mask or a bias that has no smaller form
    table_bytes: memory of a bias by content, however long the text is
    tried:       queries and keys of the run that found it
    """

    core: str
    stack: StackName
    index: int
    heads: int
    kv_heads: int
    head_dim: int
    value_dim: int
    causal: bool
    pair_bytes: float = 0.0
    bias: BiasKind | None = None
    tried: tuple[int, int] = (0, 0)
    table_bytes: int = 0


@dataclass
class Call:
    """What one call of a core was given."""

    core: str
    terms: Terms
    q: Tensor
    k: Tensor
    v: Tensor


def calls_of(model: nn.Module, run: Callable[[], Any]) -> list[Call]:
    """The calls of attention while `run` runs the model, in order."""
    run()  # modules get their cores
    if not hook_points(model):
        return []
    found: list[Call] = []
    given: dict[str, Any] = {}

    def take(name: str, x: Any) -> None:
        core, _, part = name.rpartition(".")
        given[part] = x
        if part == "v":
            found.append(Call(core, **given))
            given.clear()

    with watching(model, ("terms", "q", "k", "v"), take), torch.inference_mode():
        run()
    return found


def layers_of(calls: Sequence[Call], target: int | None = None) -> tuple[AttentionLayer, ...]:
    """The attention layers of a model from the calls of one forward pass.

    target: the length of the target of an encoder-decoder model. That of the text must differ, because the stacks are
            told apart by it.
    """
    kinds = [stack_of(call, target) for call in calls]
    cores = {kind: [call.core for call, of in zip(calls, kinds, strict=True) if of == kind] for kind in kinds}
    numbers = {kind: iter(numbers_of(of_kind)) for kind, of_kind in cores.items()}
    return tuple(
        AttentionLayer(
            core=call.core,
            stack=kind,
            index=next(numbers[kind]),
            heads=call.q.shape[1],
            kv_heads=call.k.shape[1],
            head_dim=call.q.shape[-1],
            value_dim=call.v.shape[-1],
            causal=call.terms.rule.is_causal,
            pair_bytes=pair_bytes,
            bias=None if call.terms.bias is None else call.terms.bias.kind,
            tried=(call.q.shape[2], call.k.shape[2]),
            table_bytes=sum(x.nbytes for x in call.terms.tables),
        )
        for call, kind, pair_bytes in zip(calls, kinds, bytes_of_pairs(calls), strict=True)
    )


def check_lengths(layers: Sequence[AttentionLayer], model_type: str) -> None:
    """Raises UnsupportedModel if layers of a model with one text differ in their numbers of queries or keys."""
    lengths = dict.fromkeys(layer.tried for layer in layers)
    if len(lengths) > 1:
        listed = ", ".join(f"{queries} queries and {keys} keys" for queries, keys in lengths)
        raise UnsupportedModel(
            f"the layers of a {model_type} do not all read the same tokens ({listed}), so its maps do not show the "
            "text: choose a model whose layers all read every token"
        )


def stack_of(call: Call, target: int | None) -> StackName:
    """Which stack a call belongs to. The encoder may read more tokens than the text has: it can add padding."""
    queries, keys = call.q.shape[2], call.k.shape[2]
    if target is None:
        return "self"
    if queries != target:
        return "encoder"
    return "decoder" if keys == target else "cross"


def bytes_of_pairs(calls: Sequence[Call]) -> list[float]:
    """Of each call, without the tensors that an earlier one has as well."""
    seen: set[int] = set()
    found = []
    for call in calls:
        new = {x.data_ptr(): x.nbytes for x in call.terms.squares if x.data_ptr() not in seen}
        seen.update(new)
        found.append(sum(new.values()) / (call.q.shape[2] * call.k.shape[2]))
    return found


def block_of(core: str) -> str:
    """The module that is one layer of the model and contains this core; without a number, the attention module."""
    found = NUMBER.search(core)
    return core[: found.end()] if found else core.rpartition(".")[0]


def numbers_of(cores: Sequence[str]) -> list[int]:
    """The numbers of the blocks of one stack: those in the names of their modules, or their order.

    Order is what remains for a module that runs several times (ALBERT), and for blocks of several attention modules.
    """
    named = [NUMBER.search(core) for core in cores]
    prefixes = {core[: found.start()] if found else core for core, found in zip(cores, named, strict=True)}
    numbers = [int(found.group()) for found in named if found]
    return numbers if len(prefixes) == 1 and len(set(numbers)) == len(cores) else list(range(len(cores)))


def without_attention(model: nn.Module, layers: Sequence[AttentionLayer]) -> dict[int, str]:
    """The blocks of a stack that do not call attention: their number, and the module that they have instead."""
    found = NUMBER.search(layers[0].core)
    blocks = model.get_submodule(layers[0].core[: found.start()].rstrip(".")) if found else None
    present = {layer.index for layer in layers}
    if not isinstance(blocks, nn.ModuleList) or not present <= set(range(len(blocks))):
        return {}
    return {number: mixer_of(block) for number, block in enumerate(blocks) if number not in present}


def mixer_of(block: nn.Module) -> str:
    """The class of the first part of a block that is neither a normalisation nor dropout."""
    names = [type(part).__name__ for part in block.children()]
    return next((name for name in names if not OTHER_PARTS.search(name)), type(block).__name__)
