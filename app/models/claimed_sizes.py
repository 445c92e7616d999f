"""Properties of a model that the table of its family says, or that are found out where there is no table."""

from inspect import signature

from torch import nn
from transformers import PretrainedConfig

from .adopted import Adopted
from .claim import Claim
from .decoder_input import decoder_of
from .heads import base_class

# For models that say no limit, most of which have relative positions, and for those that are followed in their own
# attention: they compute numbers for each pair of tokens on the way, though a capture keeps none of them.
MOST_TOKENS_WITH_SQUARES = 2048


def reads_pairs(claim: Claim) -> bool:
    """Whether the model has embeddings for the segments of a pair of texts."""
    if claim.adapter is not None:
        return claim.adapter.pairs(claim.config)
    has_segments = "token_type_ids" in signature(base_class(claim.model_type).forward).parameters
    return has_segments and getattr(claim.text_config, "type_vocab_size", 1) > 1


def most_tokens(claim: Claim, adopted: Adopted) -> int:
    """The number of tokens that the model can read."""
    if claim.adapter is not None:
        return claim.adapter.positions(claim.config)
    return most_positions(claim.text_config, adopted.model, squares=bool(adopted.watched))


def most_of_target(adopted: Adopted) -> int | None:
    """The number of tokens that the decoder can read; None for a model without a decoder over an encoder."""
    if not adopted.reads_target:
        return None
    decoder = decoder_of(adopted)
    return most_positions(decoder.config.get_text_config(decoder=True), decoder, squares=bool(adopted.watched))


def most_positions(config: PretrainedConfig, model: nn.Module, *, squares: bool) -> int:
    """squares: whether the model computes numbers for each pair of tokens on the way."""
    positions = next(
        (
            getattr(config, name)
            for name in ("max_position_embeddings", "n_positions", "max_seq_len")
            if (getattr(config, name, None) or 0) > 0  # XLNet has -1: no limit
        ),
        None,
    )
    tables = [each for name, each in model.named_modules() if isinstance(each, nn.Embedding) and "position" in name]
    # RoBERTa and its relatives count positions from the one after that of padding.
    learned = [each.num_embeddings - (0 if each.padding_idx is None else each.padding_idx + 1) for each in tables]
    learned = [each for each in learned if positions is None or abs(each - positions) <= 8]
    if positions is None or squares:
        learned.append(MOST_TOKENS_WITH_SQUARES)
    return min(learned if positions is None else [*learned, positions])
