"""The induction probe: how the heads of a model attend in sequences of random tokens that are repeated once.

Olsson et al. 2022: 10 sequences of 50 random tokens. They contain no information but position and repetition, so the
scores for the previous token, duplicates and induction do not depend on any text.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from ..capture.capture import Capture, run_tokens
from ..errors import InvalidInput
from ..models.loading import LoadedModel
from ..records import NO_PROGRESS, Progress, Token
from .scores import per_head
from .table import BY_NAME, RowScore

SEQUENCES, LENGTH, SEED = 10, 50, 0
SCORES: tuple[RowScore, ...] = tuple(BY_NAME[name] for name in ("previous", "duplicate", "induction"))
# With fewer tokens, uniform attention alone would give high scores.
MIN_LENGTH = 4
# GPT-2 was trained with this token before each text, but its tokenizer does not add it. Other models have the token to
# end a text; their config names another one that begins it.
START = "<|endoftext|>"


@dataclass(frozen=True)
class ProbeResult:
    """values [score layer head]: means over all sequences. length: the number of random tokens in a sequence."""

    values: np.ndarray
    sequences: int
    length: int


@torch.inference_mode()
def probe(model: LoadedModel, progress: Progress = NO_PROGRESS) -> ProbeResult:
    """Raises InvalidInput if the model reads or has too few tokens."""
    model = model.encoder_alone() if model.card.has_decoder else model
    before, after = special_tokens(model)
    most = model.card.max_tokens or 0
    length = min(LENGTH, (most - len(before) - len(after)) // 2)
    if length < MIN_LENGTH:
        raise InvalidInput(
            f"{model.card.id} reads at most {most} tokens, too few for the probe, which repeats at least {MIN_LENGTH}"
        )
    words = words_of(model)
    if len(words) < MIN_LENGTH:
        raise InvalidInput(
            f"the vocabulary of {model.card.id} has {len(words)} words with an embedding, too few for the probe, which "
            f"repeats at least {MIN_LENGTH}: choose another model"
        )
    length = min(length, len(words))
    found = []
    for drawn in random_tokens(words, length):
        tokens = tuple(tokens_of(model, [*before, *drawn, *drawn, *after], set(before) | set(after)))
        layers = run_tokens(model, tokens, progress=progress)
        found.append(per_head(Capture("", model.card, tokens, layers), SCORES, progress))
    return ProbeResult(np.mean(found, 0), SEQUENCES, length)


def special_tokens(model: LoadedModel) -> tuple[list[int], list[int]]:
    """The ids of the special tokens before and after a text: [CLS] and [SEP], or the start token of GPT-2."""
    added: list[int] = model.tokenizer.encode("").ids
    start = model.tokenizer.token_to_id(START)
    if added:
        return added[:1], added[1:]
    named = getattr(model.adopted.model.config, "bos_token_id", None)
    if start is None or start != named or start >= model.adopted.vocabulary:
        return [], []
    return [start], []


def words_of(model: LoadedModel) -> list[int]:
    """The ids of the vocabulary that have an embedding, without added tokens and unused tokens."""
    added = model.tokenizer.get_added_tokens_decoder()
    return sorted(
        {
            number
            for word, number in model.tokenizer.get_vocab().items()
            if number < model.adopted.vocabulary and number not in added and not word.startswith("[unused")
        }
    )


def random_tokens(words: list[int], length: int) -> Iterator[list[int]]:
    """Random ids for each sequence, all different."""
    random = np.random.default_rng(SEED)
    for _ in range(SEQUENCES):
        yield random.choice(words, length, replace=False).tolist()


def tokens_of(model: LoadedModel, ids: list[int], special: set[int]) -> Iterator[Token]:
    for index, number in enumerate(ids):
        yield Token(index, number, str(model.tokenizer.id_to_token(number)), None, None, number in special, 0)
