"""The encoder of a type with a decoder, saved without it, as encoders of sentences are."""

from collections.abc import Iterable

import transformers
from transformers import PreTrainedModel
from transformers.models.auto import modeling_auto as auto

from .claim import Claim


def encoder_class(claim: Claim, names: Iterable[str]) -> type[PreTrainedModel] | None:
    """The class of the encoder alone, if transformers has one for the type, and the file has no weight of a decoder.

    names: of the weights in the file
    """
    name = auto.MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES.get(claim.model_type, "")
    if not name.endswith("EncoderModel") or any("decoder" in each.split(".") for each in names):
        return None
    found: type[PreTrainedModel] = getattr(transformers, name)
    return found
