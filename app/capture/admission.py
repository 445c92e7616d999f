"""Whether our attention gives the patterns and the output of a model: eager attention beside ours, on a few tokens.

A model is admitted by this comparison, not by a list. Where the difference is above 1e-5, eager attention is run in
float64 as well: a model whose own rounding is as large cannot be compared more closely.
"""

from dataclasses import dataclass, replace
from importlib.metadata import version

import torch
from torch import Tensor

from ..errors import UnsupportedModel
from ..models.adopted import tried_tokens
from ..models.interface.double import in_float64
from ..models.loading import LoadedModel
from ..records import AdmissionCard
from .capture import pass_layers
from .certificate import copied, reference_patterns
from .layer import LayerCapture

TOKENS, TARGET = 24, 15  # they differ, so that a model with two stacks cannot mix them up
EXACT = 1e-5
OF_ROUNDING = 3  # times eager attention's own distance from float64


@dataclass(frozen=True)
class Pass:
    """The patterns [h i j] of each layer, and the last hidden state, of one forward pass."""

    patterns: list[Tensor]
    hidden: Tensor

    def errors(self, other: "Pass") -> list[float]:
        """The largest difference of each pattern, and of the output relative to its largest number."""
        pairs = zip(self.patterns, other.patterns, strict=True)
        weights = [(one - two).abs().max().item() for one, two in pairs]
        scale = other.hidden.abs().max().clamp(min=1)
        return [*weights, ((self.hidden - other.hidden).abs().max() / scale).item()]


@torch.inference_mode()
def admit(model: LoadedModel) -> LoadedModel:
    """The model, with the result on its card. Raises UnsupportedModel with the numbers if ours differ from eager's."""
    theirs, ours = eager_pass(model), our_pass(model)
    if len(theirs.patterns) != len(ours.patterns):
        raise UnsupportedModel(
            f"the attention of a {model.card.family} cannot be compared: transformers' eager attention computes "
            f"{len(theirs.patterns)} patterns, and this model calls attention {len(ours.patterns)} times"
        )
    errors = ours.errors(theirs)
    if not all(error <= EXACT for error in errors):  # NaN counts as different
        check_against_rounding(model, theirs, errors)
    reference = f"transformers {version('transformers')} {type(model.adopted.model).__name__}, eager attention"
    return replace(model, card=replace(model.card, certificate=AdmissionCard(tuple(errors[:-1]), reference)))


def check_against_rounding(model: LoadedModel, theirs: Pass, errors: list[float]) -> None:
    """Raises UnsupportedModel."""
    rounding = rounding_of(model, theirs)
    limits = [max(EXACT, OF_ROUNDING * each) for each in rounding]
    for number, (error, limit) in enumerate(zip(errors, limits, strict=True)):
        if error <= limit:
            continue
        layers = model.adopted.attention
        where = f"layer {layers[number].index} ({layers[number].stack})" if number < len(layers) else "the output"
        raise UnsupportedModel(
            f"the attention of a {model.card.family} cannot be captured exactly: {where} differs by {error:.1e} from "
            f"transformers' eager attention, at most {limit:.1e} is allowed"
        )


def inputs_of(model: LoadedModel) -> tuple[Tensor, Tensor | None]:
    positions = model.card.max_tokens or TOKENS
    target = tried_tokens(model.adopted, TARGET) if model.adopted.reads_target else None
    return tried_tokens(model.adopted, min(TOKENS, positions)), target


def our_pass(model: LoadedModel) -> Pass:
    """With our attention: the patterns from queries, keys and log-sum-exp, as windows show them."""
    patterns: list[Tensor] = []

    def take(layer: LayerCapture) -> None:
        queries, keys = layer.q.shape[1], layer.k.shape[1]
        patterns.append(layer.block(range(layer.heads), range(queries), range(keys)))

    hidden = pass_layers(model, lambda: model.adopted.run(*inputs_of(model)), copied, take)
    return Pass(patterns, hidden)


def eager_pass(model: LoadedModel) -> Pass:
    patterns: list[Tensor] = []
    with reference_patterns(model.adopted, lambda pattern: patterns.append(pattern[0])):
        hidden = model.adopted.run(*inputs_of(model))
    return Pass(patterns, hidden)


def rounding_of(model: LoadedModel, theirs: Pass) -> list[float]:
    """The distance of eager attention in the dtype of the model from float64; 0 where that cannot be computed."""
    try:
        with model.adopted.as_hugging_face() as hugging_face, in_float64(hugging_face):
            return theirs.errors(eager_pass(model))
    except RuntimeError:  # the model mixes dtypes, so it does not run in float64
        return [0.0] * (len(theirs.patterns) + 1)
