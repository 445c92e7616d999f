"""The training data of `gpt2-mini`: novels, and segments that are repeated."""

import lzma
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import ByteLevelBPETokenizer, Tokenizer
from torch import Tensor

from .measure_gpt2_mini import START_ID, VOCABULARY

START = "<|endoftext|>"
HELD_OUT = 0.02
IGNORED = -100  # torch's cross-entropy ignores targets with this value
TYPOGRAPHIC = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'})


@dataclass(frozen=True)
class Stage:
    """One part of the training. `repeated` is the share of rows that are a repeated segment."""

    steps: int
    rate: float
    last_rate: float
    warm_up: int
    windows: tuple[int, ...]
    tokens_per_step: int
    repeated: float
    longest_segment: int


def read_novels(path: Path) -> str:
    """The text, with plain instead of typographic quotation marks."""
    raw = path.read_bytes()
    text = lzma.decompress(raw) if path.suffix == ".xz" else raw
    return text.decode().translate(TYPOGRAPHIC)


def split(text: str) -> tuple[str, str]:
    """The training set, and the held-out last part."""
    cut = int(len(text) * (1 - HELD_OUT))
    return text[:cut], text[cut:]


def train_tokenizer(text: str, folder: Path) -> ByteLevelBPETokenizer:
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(text.split("\n"), VOCABULARY, special_tokens=[START])
    tokenizer.save(str(folder / "tokenizer.json"))
    return tokenizer


def encode(text: str, tokenizer: ByteLevelBPETokenizer | Tokenizer) -> np.ndarray:
    lines = [line + "\n" for line in text.split("\n")]
    return np.concatenate([np.array(e.ids, dtype=np.int64) for e in tokenizer.encode_batch(lines)])


def row(stream: np.ndarray, window: int, stage: Stage, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """One training row of `window` tokens, and how many of its first tokens do not count for the loss."""
    started = int(rng.random() < 0.5)
    room = window - started
    if rng.random() >= stage.repeated:
        at = rng.integers(len(stream) - room)
        body, free = stream[at : at + room], 1
    else:
        length = int(rng.integers(4, min(stage.longest_segment, room // 2) + 1))
        at = rng.integers(len(stream) - length)
        from_novels = rng.random() < 0.5
        segment = stream[at : at + length] if from_novels else rng.integers(1, VOCABULARY, length)
        body, free = np.resize(segment, room), length + started
    return np.concatenate([np.full(started, START_ID), body]), free


def batch(stream: np.ndarray, window: int, stage: Stage, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Ids and targets, [b i]: targets[:, i] is the token after ids[:, i], or IGNORED."""
    rows = [row(stream, window, stage, rng) for _ in range(stage.tokens_per_step // window)]
    ids = torch.from_numpy(np.stack([r for r, _ in rows]))
    targets = torch.full_like(ids, IGNORED)
    targets[:, :-1] = ids[:, 1:]
    for target, (_, free) in zip(targets, rows, strict=True):
        target[: free - 1] = IGNORED
    return ids, targets
