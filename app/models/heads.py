"""The classes of a model type that transformers has, and what the head of each predicts.

Class names come from the tables of transformers alone: a name in config.json only chooses among them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import transformers
from transformers import PreTrainedModel
from transformers.models.auto import modeling_auto as auto

from ..errors import UnsupportedModel
from ..records import Prediction

TABLES: Mapping[Prediction, Mapping[str, Any]] = {
    "next_token": {**auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, **auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES},
    "masked_token": auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    "label": auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
    "token_label": auto.MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES,
    "answer": auto.MODEL_FOR_QUESTION_ANSWERING_MAPPING_NAMES,
}
# Classes that read more than text, and predict the next token of it.
WITH_IMAGES: Mapping[str, str] = auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
WITH_IMAGES_OR_SOUND = (WITH_IMAGES, auto.MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES)
# Whose weights say what they predict. A weight "classifier" can be one of a text or of each token.
TOLD_BY_NAMES: tuple[Prediction, ...] = ("masked_token", "next_token")


@dataclass(frozen=True)
class Head:
    """What a model predicts, and the names of its labels, if it predicts labels."""

    prediction: Prediction = "none"
    labels: tuple[str, ...] = ()


def base_class(model_type: str) -> type[PreTrainedModel]:
    """The class without a head, or the first with one where transformers has no other. Raises UnsupportedModel."""
    tables = (auto.MODEL_MAPPING_NAMES, *TABLES.values(), *WITH_IMAGES_OR_SOUND)
    names = next((table[model_type] for table in tables if model_type in table), None)
    if names is None:
        raise UnsupportedModel(f"model_type {model_type!r}: transformers has no class that reads its texts")
    found: type[PreTrainedModel] = getattr(transformers, names if isinstance(names, str) else names[0])
    return found


def classes_to_try(
    model_type: str, architecture: str | None, *, is_decoder: bool
) -> Iterator[tuple[Prediction, type[PreTrainedModel]]]:
    """Classes with a head that a checkpoint may be of, the likeliest first.

    architecture: the class in config.json. It can be one of a project of its own, or miss.
    is_decoder:   whether a type that can be encoder or decoder is a decoder here, or has one
    """
    named = {prediction: table[model_type] for prediction, table in TABLES.items() if model_type in table}
    unlikely: Prediction = "masked_token" if is_decoder else "next_token"
    declared = [prediction for prediction, name in named.items() if name == architecture]
    if {"masked_token", "next_token"} <= named.keys() and declared != [unlikely]:
        del named[unlikely]
        declared = [prediction for prediction in declared if prediction in named]
    likely = dict.fromkeys([*declared[:1], *(each for each in TOLD_BY_NAMES if each in named)])
    found: list[tuple[Prediction, str]] = [(prediction, named[prediction]) for prediction in likely]
    if model_type in WITH_IMAGES:
        name = WITH_IMAGES[model_type]
        found.insert(0 if name == architecture else len(found), ("next_token", name))
    for prediction, name in dict.fromkeys(found):
        yield prediction, getattr(transformers, name)


def model_type_of(architecture: str | None, among: Iterator[str] | Mapping[str, Any]) -> str | None:
    """The model type whose class has this name."""
    for model_type in among:
        tables = (auto.MODEL_MAPPING_NAMES, auto.MODEL_FOR_PRETRAINING_MAPPING_NAMES, *TABLES.values())
        if architecture is not None and any(table.get(model_type) == architecture for table in tables):
            return model_type
    return None
