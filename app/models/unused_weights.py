"""Weights of a file that a model does not use: which of them are a reason to refuse it."""

from collections.abc import Iterable, Mapping, Sequence

from transformers import PreTrainedModel

from ..errors import WeightsDoNotFit
from .file_names import CONFIG, WEIGHTS
from .header import StoredTensor

MAX_SKIPPED_BYTES = 2**26  # of weights that are ignored, and as many again as there are of those that are used


def counted(names: Sequence[str], problem: str) -> str:
    """Which weights have the problem, for an error: the number of them, and the name of the first."""
    name = repr(min(names)[:200])
    if len(names) == 1:
        return f"1 weight is {problem}, {name}"
    return f"{len(names):,} weights are {problem}, the first is {name}"


def refuse_unknown(names: Iterable[str], prefix: str, base: PreTrainedModel) -> None:
    """Raises WeightsDoNotFit for a weight inside the model without a head that is none of its parameters.

    A model that has it computes something else than the one that config.json describes.
    """
    known = base.state_dict().keys()  # a class with a head may leave out a part of the base (SeamlessM4T)
    parts = {name.partition(".")[0] for name in known}
    plain = [(name, name[len(prefix) :]) for name in names if name.startswith(prefix)]
    inside = [name for name, inner in plain if inner.partition(".")[0] in parts and inner not in known]
    if inside:
        raise WeightsDoNotFit(
            f"{counted(inside, 'unknown')}: {CONFIG} describes a model without them: check its model_type and sizes"
        )


def check_skipped(tensors: Mapping[str, StoredTensor], unused: Iterable[str]) -> None:
    """Raises WeightsDoNotFit if most of the file is not used: all of it is read, because its hash is computed."""
    skipped = sum(tensors[name].bytes for name in unused)
    most = MAX_SKIPPED_BYTES + sum(each.bytes for each in tensors.values()) - skipped
    if skipped > most:
        raise WeightsDoNotFit(
            f"{WEIGHTS} has {skipped:,} bytes of weights that the model does not use: at most {most:,} are skipped; "
            "save the model without them"
        )
