"""What the decoder of a model with an encoder reads first, and which tokens it knows."""

from typing import Any

import torch

from .adopted import Adopted


def first_id(adopted: Adopted, labels: list[int]) -> int:
    """What the model's own shift puts first: the start token, or of mBART the language at the end of the text."""
    shift = getattr(adopted.model, "prepare_decoder_input_ids_from_labels", None)
    if shift is not None:
        try:
            return int(shift(labels=torch.tensor([labels]))[0, 0])
        except (AttributeError, ValueError, TypeError):  # the configuration has no token for padding, or for the start
            pass
    return start_id(adopted)


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
    return next((each for each in named if isinstance(each, int) and 0 <= each < vocabulary), None)


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
