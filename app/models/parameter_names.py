"""Which parameter of a model a name in its weights file stands for."""

import re
from collections.abc import Iterable, Sequence

from transformers import PreTrainedModel

from ..errors import WeightsDoNotFit
from .file_states import WEIGHTS
from .header import StoredTensor

# Old checkpoints of TensorFlow have these names. transformers renames them with the same patterns.
OLD_NAMES = ((re.compile("LayerNorm.gamma"), "LayerNorm.weight"), (re.compile("LayerNorm.beta"), "LayerNorm.bias"))


class ParameterNames:
    """The names of a model's parameters and buffers. transformers reads each with and without the model's prefix.

    known: plain name -> shape
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self.prefix = re.compile(f"{model.base_model_prefix}.")
        self.known = {self.plain(name): tuple(weight.shape) for name, weight in model.state_dict().items()}

    def __contains__(self, name: str) -> bool:
        return self.plain(name) in self.known

    def plain(self, name: str) -> str:
        """The name without the prefix, and the current one where there is an old one."""
        for old, new in OLD_NAMES:
            name = old.sub(new, name)
        found = self.prefix.match(name)
        return name[found.end() :] if found else name

    def refuse_others(self, tensors: Sequence[StoredTensor]) -> None:
        """Raises WeightsDoNotFit if the model has no such parameter, or one of another shape."""
        unknown = sorted(tensor.name for tensor in tensors if tensor.name not in self)
        if unknown:
            raise WeightsDoNotFit(
                f"{len(unknown):,} weights are unknown, the first is {unknown[0][:200]!r}: the checkpoint has to match "
                "config.json"
            )
        for tensor in tensors:
            wanted = self.known[self.plain(tensor.name)]
            if wanted != tensor.shape:
                raise WeightsDoNotFit(
                    f"{tensor.name[:200]} is {list(tensor.shape)} in the file, config.json wants {list(wanted)}"
                )

    def refuse_repeated(self, names: Iterable[str]) -> None:
        """Raises WeightsDoNotFit if two names stand for one parameter: one of them would be dropped silently."""
        first: dict[str, str] = {}
        for name in names:
            other = first.setdefault(self.plain(name), name)
            if other != name:
                raise WeightsDoNotFit(
                    f"{other[:200]!r} and {name[:200]!r} in {WEIGHTS} are the same parameter: remove one of them"
                )
