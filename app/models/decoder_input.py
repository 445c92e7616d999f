"""What the decoder of a model with an encoder reads first, and which tokens it knows."""

from contextlib import suppress
from typing import Any, TypeGuard

import torch

from .adopted import Adopted
from .config_sizes import is_whole


def first_id(adopted: Adopted, labels: list[int]) -> int:
    """What the model's own shift puts first: the start token, or of mBART the language at the end of the text.

    If it fails, or its token does not exist, the start token: the ids in a configuration can be anything.
    """
    shift = getattr(adopted.model, "prepare_decoder_input_ids_from_labels", None)
    found = None
    if shift is not None:
        # The configuration may have no token for padding, or for the start, or none that is one number.
        with suppress(AttributeError, ValueError, TypeError, RuntimeError, IndexError):
            found = int(shift(labels=torch.tensor([labels]))[0, 0])
    return found if is_id(found, decoder_vocabulary(adopted)) else start_id(adopted)


def start_id(adopted: Adopted) -> int:
    found = find_start_id(adopted)
    assert found is not None
    return found


def find_start_id(adopted: Adopted) -> int | None:
    """The id of the token that begins the text of the decoder; None if the configuration names none that exists."""
    model: Any = adopted.model
    parts = model.config, decoder_of(adopted).config
    names = ("decoder_start_token_id", "bos_token_id", "pad_token_id")
    named = (getattr(config, name, None) for name in names for config in parts)
    vocabulary = decoder_vocabulary(adopted)
    return next((each for each in named if is_id(each, vocabulary)), None)


def is_id(value: object, vocabulary: int) -> TypeGuard[int]:
    return is_whole(value) and 0 <= value < vocabulary


def decoder_of(adopted: Adopted) -> Any:
    model: Any = adopted.model
    return model.base_model.get_decoder()


def decoder_vocabulary(adopted: Adopted) -> int:
    """The number of token ids that the decoder has embeddings for."""
    embeddings: Any = decoder_of(adopted).get_input_embeddings()
    return int(embeddings.weight.shape[0])


def can_be_read(adopted: Adopted) -> bool:
    """Whether the decoder has a start token, without which it reads nothing."""
    try:
        return find_start_id(adopted) is not None
    except (AttributeError, NotImplementedError, AssertionError):  # no decoder, or none that reads tokens
        return False
