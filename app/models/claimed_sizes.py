"""Properties of a model that the table of its family says, or that are found out where there is no table."""

from inspect import signature

from torch import nn

from .adopted import Adopted
from .claim import Claim
from .heads import base_class

# For models that say no limit, which have relative positions, and for those that are followed in their own attention:
# both compute numbers for each pair of tokens on the way, though a capture keeps none of them.
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
    config = claim.text_config
    positions = next(
        (
            getattr(config, name)
            for name in ("max_position_embeddings", "n_positions", "max_seq_len")
            if (getattr(config, name, None) or 0) > 0  # XLNet has -1: no limit
        ),
        None,
    )
    tables = [
        each for name, each in adopted.model.named_modules() if isinstance(each, nn.Embedding) and "position" in name
    ]
    # RoBERTa and its relatives count positions from the one after that of padding.
    learned = [each.num_embeddings - (0 if each.padding_idx is None else each.padding_idx + 1) for each in tables]
    learned = [each for each in learned if positions is None or abs(each - positions) <= 8]
    if positions is None or adopted.watched:
        learned.append(MOST_TOKENS_WITH_SQUARES)
    return min(learned if positions is None else [*learned, positions])
