"""Find the class of a model that the weights in a file fit, before any of them is read.

What a forward pass up to the last hidden state uses has to be there and to have the right shape. A head is loaded if
all of its weights are there. Everything else in the file is ignored, and named.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

from transformers import PreTrainedModel
from transformers.conversion_mapping import get_checkpoint_conversion_mapping

from ..errors import WeightsDoNotFit
from ..records import Prediction
from .building import check_described, on_meta
from .claim import Claim
from .conversion import check_conversion
from .data_types import always_float32
from .encoder_alone import encoder_class
from .file_names import CONFIG, WEIGHTS
from .header import StoredTensor
from .heads import Head, base_class, classes_to_try
from .integers import integers_of, like_integers
from .labels import MAX_LABELS
from .parameter_names import StoredNames, is_computed, tied_groups
from .unused_weights import check_skipped, counted, refuse_unknown

LABELLED = ("label", "token_label")
POOLER = "add_pooling_layer"  # some base models have a pooler, which nothing before the last hidden state uses


@dataclass(frozen=True)
class Fit:
    """A class, and the weights of a file as its parameters.

    options:    of the constructor
    names:      name in the file -> parameter
    unused:     the names in the file that are not read: `ignored`, and what old versions stored that is no weight
    parameters: of the model, or in the file if there are more of them
    merged:     numbers in the file that are in memory beside the model until it is loaded, where they are merged
    buffers:    bytes of masks, positions and angles that the model computes when it is built
    integers:   the names in the file of what the model keeps as integers, such as the experts of each token
    wide:       the names in the file whose weights are float32 in a model of any data type
    """

    model_class: type[PreTrainedModel]
    options: Mapping[str, Any]
    head: Head
    names: Mapping[str, str]
    ignored: tuple[str, ...]
    unused: frozenset[str]
    parameters: int
    merged: int = 0
    buffers: int = 0
    integers: frozenset[str] = frozenset()
    wide: frozenset[str] = frozenset()


@dataclass
class Attempt:
    """A model without memory for its weights; `mapped`: its parameter -> name in the file, `missing`: the others."""

    model: PreTrainedModel
    options: Mapping[str, Any]
    prediction: Prediction
    mapped: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    def fit(self, stored: StoredNames, prefix: str) -> None:
        """Look for each parameter. `prefix`: of the parameters of the model without a head."""
        own = f"{self.model.base_model_prefix}."
        outer = prefix.removesuffix(own) if prefix.endswith(own) else ""
        renamed = {} if self.prediction == "none" else stored.renamed(type(self.model).__name__, outer)
        for name in self.model.state_dict():
            inner = name.removeprefix(own) if self.prediction != "none" else name
            is_base = self.prediction == "none" or inner != name
            key = prefix + inner if is_base else outer + name
            if key in stored.plain:
                self.mapped[name] = stored.plain[key]
            elif name in renamed:
                self.mapped[name] = renamed[name]
            else:
                self.missing.append(name)
        groups = tied_groups(self.model.all_tied_weights_keys)
        self.missing = [
            name
            for name in self.missing
            if not groups.get(name, set()) & self.mapped.keys() and not is_computed(self.model, name)
        ]

    def other_shapes(self, tensors: Mapping[str, StoredTensor]) -> list[str]:
        """For each parameter with another shape in the file, what is wrong."""
        wanted = self.model.state_dict()
        return [
            f"{stored[:200]} is {list(tensors[stored].shape)} in the file, {CONFIG} wants {list(wanted[name].shape)}"
            for name, stored in self.mapped.items()
            if tensors[stored].shape != tuple(wanted[name].shape)
        ]

    def stored_labels(self, tensors: Mapping[str, StoredTensor]) -> int:
        """The number of labels that the head in the file has; config.json may not say it, or say another one."""
        number: int = self.model.config.num_labels
        own = f"{self.model.base_model_prefix}."
        for name, weight in self.model.state_dict().items() if self.prediction in LABELLED else ():
            if name.startswith(own) or name not in self.mapped:  # a tied weight can be in the file under one name only
                continue
            shape = tensors[self.mapped[name]].shape
            if weight.shape[:1] == (number,) and shape[1:] == tuple(weight.shape[1:]):
                return min(shape[0], MAX_LABELS)
        return number


def fit(claim: Claim, tensors: Mapping[str, StoredTensor]) -> Fit:
    """Raises WeightsDoNotFit, UnsupportedModel, and what `check_wanted` raises."""
    numbers = sum(tensor.numel for tensor in tensors.values())
    check_described(claim.parameters, 2 * numbers if encoder_class(claim, tensors) else numbers)
    try:
        return fit_by_names(claim, tensors)
    except WeightsDoNotFit as by_names:
        if claim.adapter is not None:
            raise
        try:
            return fit_by_size(claim, tensors)
        except WeightsDoNotFit:
            if get_checkpoint_conversion_mapping(claim.model_type):
                raise
            raise by_names from None  # parts of the model may be of a type whose weights are renamed


def fit_by_size(claim: Claim, tensors: Mapping[str, StoredTensor]) -> Fit:
    """For types whose weights transformers merges and renames.

    Raises WeightsDoNotFit, UnsupportedModel.
    """
    base = base_class(claim.model_type)
    prediction, model_class = next(buildable(claim, is_decoder=True), ("none", base))
    if model_class is base or claim.architecture == base.__name__:
        return fit_class_by_size(claim, tensors, prediction if model_class is base else "none", base)
    try:
        return fit_class_by_size(claim, tensors, prediction, model_class)
    except WeightsDoNotFit as with_head:
        try:
            return fit_class_by_size(claim, tensors, "none", base)
        except WeightsDoNotFit:
            raise with_head from None


def fit_class_by_size(
    claim: Claim, tensors: Mapping[str, StoredTensor], prediction: Prediction, model_class: type[PreTrainedModel]
) -> Fit:
    """Raises WeightsDoNotFit, UnsupportedModel."""
    model = on_meta(claim, model_class, {})
    described, stored = int(model.num_parameters()), sum(tensor.numel for tensor in tensors.values())
    buffers = sum(each.numel() for each in model.state_dict().values()) - described
    if described > 2 * stored or stored > 2 * described + buffers:
        raise WeightsDoNotFit(f"{CONFIG} describes {described:,} parameters, {WEIGHTS} has {stored:,}")
    integers = like_integers(model, tensors)
    check_conversion(model, tensors)
    names = {name: name for name in tensors}
    sizes, wide = (described, stored, bytes_of_buffers(model)), always_float32(model, names)
    return Fit(model_class, {}, Head(prediction), names, (), frozenset(), *sizes, integers, wide)


def fit_by_names(claim: Claim, tensors: Mapping[str, StoredTensor]) -> Fit:
    """Raises WeightsDoNotFit, UnsupportedModel."""
    stored = StoredNames(tensors)
    bases = without_head(claim)
    if alone := encoder_class(claim, tensors):
        claim.config.is_encoder_decoder = False
        bases.append(Attempt(on_meta(claim, alone, {}), {}, "none"))
    prefix = stored.prefix_of(bases[0].model.state_dict().keys(), f"{bases[0].model.base_model_prefix}.")
    chosen = first_that_fits(claim, bases, stored, prefix, tensors)
    used = set(chosen.mapped.values())
    rest = [name for name in tensors if name not in used]
    patterns = [re.compile(pattern) for pattern in claim.skipped]
    ignored = [name for name in rest if not any(pattern.fullmatch(name.removeprefix(prefix)) for pattern in patterns)]
    refuse_unknown(ignored, prefix, bases[-1].model)
    check_skipped(tensors, rest)
    names = {name: parameter for parameter, name in chosen.mapped.items()}
    return Fit(
        type(chosen.model),
        chosen.options,
        Head(chosen.prediction, labels_of(chosen)),
        names,
        tuple(ignored),
        frozenset(rest),
        max(int(chosen.model.num_parameters()), sum(tensors[name].numel for name in used)),
        buffers=bytes_of_buffers(chosen.model),
        integers=frozenset(chosen.mapped[name] for name in integers_of(chosen.model) if name in chosen.mapped),
        wide=always_float32(chosen.model, names),
    )


def bytes_of_buffers(model: PreTrainedModel) -> int:
    return sum(buffer.nbytes for buffer in model.buffers())


def without_head(claim: Claim) -> list[Attempt]:
    """The base model; the last one demands the least."""
    model_class = base_class(claim.model_type)
    poolers = ({POOLER: True}, {POOLER: False}) if POOLER in signature(model_class).parameters else ({},)
    return [Attempt(on_meta(claim, model_class, options), options, "none") for options in poolers]


def buildable(claim: Claim, *, is_decoder: bool) -> Iterator[tuple[Prediction, type[PreTrainedModel]]]:
    """The classes with a head that take the whole configuration, and not that of a part of it (Llama 4, Qwen3.5)."""
    whole = base_class(claim.model_type).config_class  # InternLM 3 has a configuration of its own and Llama's classes
    for prediction, model_class in classes_to_try(claim.model_type, claim.architecture, is_decoder=is_decoder):
        if isinstance(claim.config, model_class.config_class or object) or model_class.config_class is whole:
            yield prediction, model_class


def first_that_fits(
    claim: Claim, bases: list[Attempt], stored: StoredNames, prefix: str, tensors: Mapping[str, StoredTensor]
) -> Attempt:
    """The first class all of whose weights are there. Raises WeightsDoNotFit."""
    is_decoder = bool(getattr(claim.config, "is_decoder", False) or claim.config.is_encoder_decoder)
    for prediction, model_class in buildable(claim, is_decoder=is_decoder):
        attempt = Attempt(on_meta(claim, model_class, {}), {}, prediction)
        attempt.fit(stored, prefix)
        if not attempt.missing and (number := attempt.stored_labels(tensors)) != claim.config.num_labels:
            claim.config.num_labels = number
            attempt.model = on_meta(claim, model_class, {})
        if not attempt.missing and not attempt.other_shapes(tensors):
            return attempt
    for base in bases:
        base.fit(stored, prefix)
        shapes = base.other_shapes(tensors)
        if not base.missing and not shapes:
            return base
    if base.missing:
        raise WeightsDoNotFit(
            f"{counted(base.missing, 'missing')}: {WEIGHTS} has to have all weights of the embeddings, the blocks "
            f"and the final norm that {CONFIG} describes"
        )
    raise WeightsDoNotFit(shapes[0])


def labels_of(attempt: Attempt) -> tuple[str, ...]:
    if attempt.prediction not in LABELLED:
        return ()
    named: dict[int, str] = attempt.model.config.id2label
    return tuple(str(named[number]) for number in sorted(named))
