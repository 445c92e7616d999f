"""The standard probe: what heads do with random tokens that come twice, whatever the text.

Olsson et al. 2022: 10 sequences of 50 random tokens, repeated once. Nothing but position and repetition is to be seen
there: a head that looks back one token, at the earlier copy, or at what followed it, does so for every text.
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
# Of fewer tokens, chance alone gives much to each.
SHORTEST = 4
# What a GPT-2 was trained to see before a text; its tokenizer puts it nowhere.
START = "<|endoftext|>"


@dataclass(frozen=True)
class Probed:
    """values [score layer head], the mean over sequences; length: of the random tokens that are repeated."""

    values: np.ndarray
    sequences: int
    length: int


@torch.inference_mode()
def probe(model: LoadedModel, progress: Progress = NO_PROGRESS) -> Probed:
    """Raises InvalidInput where the model reads too few tokens to repeat some of them."""
    before, after = around(model)
    most = model.card.max_tokens or 0
    length = min(LENGTH, (most - len(before) - len(after)) // 2)
    if length < SHORTEST:
        raise InvalidInput(f"{model.card.id} reads {most} tokens: the probe repeats at least {SHORTEST} of them")
    found = []
    for drawn in draws(model, length):
        tokens = tuple(labelled(model, [*before, *drawn, *drawn, *after], set(before) | set(after)))
        layers = run_tokens(model, tokens, progress=progress)
        found.append(per_head(Capture("", model.card, tokens, layers), SCORES, progress))
    return Probed(np.mean(found, 0), SEQUENCES, length)


def around(model: LoadedModel) -> tuple[list[int], list[int]]:
    """The special tokens before and after a text: [CLS] and [SEP], or a GPT-2's start."""
    put_in: list[int] = model.tokenizer.encode("").ids
    start = model.tokenizer.token_to_id(START)
    if put_in:
        return put_in[:1], put_in[1:]
    return ([] if start is None else [start]), []


def draws(model: LoadedModel, length: int) -> Iterator[list[int]]:
    """Random tokens, no two of a sequence alike, and none that was added to the vocabulary or stands unused in it."""
    added = model.tokenizer.get_added_tokens_decoder()
    words = [
        number
        for word, number in model.tokenizer.get_vocab().items()
        if number not in added and not word.startswith("[unused")
    ]
    random = np.random.default_rng(SEED)
    for _ in range(SEQUENCES):
        yield random.choice(sorted(words), min(length, len(words)), replace=False).tolist()


def labelled(model: LoadedModel, ids: list[int], special: set[int]) -> Iterator[Token]:
    for index, number in enumerate(ids):
        yield Token(index, number, str(model.tokenizer.id_to_token(number)), None, None, number in special, 0)
