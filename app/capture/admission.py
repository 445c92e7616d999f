"""Whether our attention gives the patterns and the output of a model: eager attention beside ours, on a few tokens.

A model is admitted by this comparison, not by a list. Where the difference is above 1e-5, eager attention is run in
float64 as well: a model whose own rounding is as large cannot be compared more closely. A model in bfloat16 is also
compared while it computes in float32. One with experts is admitted by that alone: in bfloat16, rounding can send a
token to another expert, in eager attention as in ours, and all later layers differ.
"""

from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version

import torch
from torch import Tensor
from transformers import PretrainedConfig, PreTrainedModel

from ..errors import AppError, UnsupportedModel
from ..models.interface.widened import widened
from ..models.loading import LoadedModel
from ..models.short_run import tried_tokens
from ..models.targets import target_of
from ..models.writing import written
from ..records import AdmissionCard, Prompt, Token, TokenizedPrompt
from .capture import run_tokens
from .certificate import copied, reference_patterns
from .layer import LayerCapture
from .passes import pass_layers

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


def admit(model: LoadedModel) -> LoadedModel:
    """The model, with the result on its card. Raises UnsupportedModel with the numbers if ours differ from eager's.

    Where that is so for the decoder of a model, its encoder is shown alone.
    """
    if model.adopted.reads_target and not model.card.has_decoder:
        return captured(compared(model.encoder_alone()))  # its decoder has no layers
    try:
        return captured(compared(model))
    except UnsupportedModel:
        if not model.adopted.reads_target:
            raise
        return captured(compared(model.encoder_alone()))


def captured(model: LoadedModel) -> LoadedModel:
    """The same model, of which a short text can be captured, with a target that it writes. Raises UnsupportedModel."""
    ids, target = inputs_of(model)
    tokens, read = tokens_of(ids), tokens_of(target)
    try:
        run_tokens(model, tokens, target=read)
        if model.card.has_decoder and model.tokenizer is not None:  # benchmarks need none
            with suppress(AppError):  # a client that sends no target gets it, and the others are answered
                written(model, TokenizedPrompt(Prompt(""), tokens, 0, *target_of(model, None, None, most_written=1)))
    except AppError:
        raise
    except Exception as error:
        why = f"{type(error).__name__}: {str(error)[:300]}"
        raise UnsupportedModel(f"a text cannot be captured with this {model.card.family}: {why}") from error
    return model


def tokens_of(ids: Tensor | None) -> tuple[Token, ...]:
    numbers = [] if ids is None else ids[0].tolist()
    return tuple(Token(n, number, "", None, None, special=True, segment=0) for n, number in enumerate(numbers))


def compared(model: LoadedModel) -> LoadedModel:
    """Raises UnsupportedModel."""
    dtype, admitted = model.adopted.model.dtype, False
    if dtype.itemsize < torch.float32.itemsize:
        # The rounding of bfloat16 can be as large as the weights themselves, and would hide any mistake.
        with suppress(RuntimeError):  # the model does not run in float32
            compare(model, torch.float32)
            admitted = has_experts(model.adopted.model.config)
    errors = compare(model, dtype, admitted=admitted)
    reference = f"transformers {version('transformers')} {type(model.adopted.model).__name__}, eager attention"
    names = [stack.name for stack in model.card.stacks]
    of_layers = zip(model.adopted.attention, errors[:-1], strict=True)
    in_order = sorted(of_layers, key=lambda each: names.index(each[0].stack))
    certificate = AdmissionCard(tuple(error for _, error in in_order), reference)
    return replace(model, card=replace(model.card, certificate=certificate))


def has_experts(config: PretrainedConfig) -> bool:
    """Whether each token is computed by some of several experts, in any part of the model."""
    waiting = [config.to_dict()]
    while waiting:
        for name, value in waiting.pop().items():
            if isinstance(value, dict):
                waiting.append(value)
            elif "expert" in str(name) and isinstance(value, int) and value > 1:
                return True
    return False


@torch.inference_mode()
def compare(model: LoadedModel, dtype: torch.dtype, *, admitted: bool = False) -> list[float]:
    """The differences of each pattern and of the output, computed in this data type.

    Raises UnsupportedModel if they are too large, unless the model is admitted already.
    """
    theirs, ours = eager_pass(model, dtype), our_pass(model, dtype)
    if len(theirs.patterns) != len(ours.patterns):
        raise UnsupportedModel(
            f"the attention of a {model.card.family} cannot be compared: transformers' eager attention computes "
            f"{len(theirs.patterns)} patterns, and this model calls attention {len(ours.patterns)} times"
        )
    errors = ours.errors(theirs)
    if not admitted and not all(error <= EXACT for error in errors):  # NaN counts as different
        check_against_rounding(model, theirs, errors, dtype)
    return errors


def check_against_rounding(model: LoadedModel, theirs: Pass, errors: list[float], dtype: torch.dtype) -> None:
    """Raises UnsupportedModel."""
    rounding = rounding_of(model, theirs, dtype)
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
    target = None
    if model.adopted.reads_target:
        target = tried_tokens(model.adopted, min(TARGET, model.card.max_target or TARGET))
    return tried_tokens(model.adopted, min(TOKENS, positions)), target


def our_pass(model: LoadedModel, dtype: torch.dtype) -> Pass:
    """With our attention: the patterns from queries, keys and log-sum-exp, as windows show them."""
    patterns: list[Tensor] = []

    def take(layer: LayerCapture) -> None:
        queries, keys = layer.q.shape[1], layer.k.shape[1]
        patterns.append(layer.block(range(layer.heads), range(queries), range(keys)))

    with computing_in(dtype, model.adopted.model):
        hidden = pass_layers(model, lambda: model.adopted.run(*inputs_of(model)), copied, take)
    return Pass(patterns, hidden)


def eager_pass(model: LoadedModel, dtype: torch.dtype) -> Pass:
    patterns: list[Tensor] = []
    take = partial(reference_patterns, model.adopted, lambda pattern: patterns.append(pattern[0]))
    with model.adopted.as_hugging_face() as hugging_face, computing_in(dtype, hugging_face), take():
        hidden = model.adopted.run(*inputs_of(model))
    return Pass(patterns, hidden)


def computing_in(dtype: torch.dtype, model: PreTrainedModel) -> AbstractContextManager[None]:
    return widened(model, dtype) if dtype != model.dtype else nullcontext()


def rounding_of(model: LoadedModel, theirs: Pass, dtype: torch.dtype) -> list[float]:
    """The distance of eager attention in this data type from a wider one; 0 where that cannot be computed.

    Some models do not run in float64. For bfloat16, float32 is exact enough.
    """
    for wider in (torch.float64, torch.float32):
        if wider.itemsize > dtype.itemsize:
            with suppress(RuntimeError):
                return theirs.errors(eager_pass(model, wider))
    return [0.0] * (len(theirs.patterns) + 1)
