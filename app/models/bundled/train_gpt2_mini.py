"""Train `gpt2-mini`, the small GPT-2 that ships with the project, from a file of novels.

    python -m headscope.models.bundled.train_gpt2_mini train BOOKS.txt.xz FOLDER
    python -m headscope.models.bundled.train_gpt2_mini lengthen BOOKS.txt.xz FOLDER
    python -m headscope.models.bundled.train_gpt2_mini evaluate BOOKS.txt.xz

Three parts. *Form*: short windows, most of them one segment repeated, no loss on a segment's first
appearance, so that the cheapest way to a lower loss is to look back at what followed last time:
previous-token and induction heads appear. *Settle*: mostly novels, windows up to 512, falling rate,
with enough repeats that those heads stay. *Lengthen*: segments of up to half a window, so that they
reach as far as the positions do; `lengthen` starts it from a model that went through the others. Last,
queries and keys are scaled where scores grew beyond what float32 holds well. The state is saved as it
goes; the same command resumes.
"""

import json
import lzma
import math
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from tokenizers import ByteLevelBPETokenizer, Tokenizer
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel

from .measure_gpt2_mini import START_ID, VOCABULARY, head_scores, report, unigram_entropy

SHIPPED = Path(__file__).parent / "gpt2_mini"
START = "<|endoftext|>"
POSITIONS = 512
HELD_OUT = 0.02
HIGHEST_SCORE = 120.0
IGNORED = -100  # torch's cross-entropy leaves targets of this value out
TYPOGRAPHIC = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'})


@dataclass(frozen=True)
class Stage:
    """One part of the training: how long, how fast, and what share of rows repeats a segment."""

    steps: int
    rate: float
    last_rate: float
    warm_up: int
    windows: tuple[int, ...]
    tokens_per_step: int
    repeated: float
    longest_segment: int


# What the shipped weights went through, but that in the first 200 steps of SETTLE the rate fell as for 1,700 steps,
# and in the first 200 of LENGTHEN as for 700. The first two stages lowered the loss and formed little; with segments
# of at most 12 tokens induction appeared within 500 steps. Then the novels, and windows as long as the positions.
# LENGTHEN took the best scores on 200 tokens repeated once from 0.33 to 0.86 (induction) and 0.23 to 0.60 (previous).
FORM = (
    Stage(900, 1e-3, 1e-3, 200, (64,), 4096, 0.6, 32),
    Stage(600, 1e-3, 1e-3, 1, (64,), 4096, 0.9, 32),
    Stage(500, 2e-3, 2e-3, 1, (64,), 4096, 0.9, 12),
)
SETTLE = (Stage(1100, 1e-3, 5e-5, 1, (128, 256, 512), 8192, 0.3, 64),)
LENGTHEN = (Stage(400, 1e-3, 2e-5, 30, (512, 512, 256), 4096, 0.5, 255),)


def read_novels(path: Path) -> str:
    """The text, with typographic quotation marks made plain, as people type them."""
    raw = path.read_bytes()
    text = lzma.decompress(raw) if path.suffix == ".xz" else raw
    return text.decode().translate(TYPOGRAPHIC)


def split(text: str) -> tuple[str, str]:
    """What is trained on, and the last part, which is not."""
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
    """One training row of `window` tokens, and how many of its first tokens carry no loss."""
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


def rate_at(step: int, stage: Stage) -> float:
    """Linear warm-up, then half a cosine down to `last_rate`."""
    if step < stage.warm_up:
        return stage.rate * (step + 1) / stage.warm_up
    done = (step - stage.warm_up) / max(1, stage.steps - stage.warm_up)
    return stage.last_rate + (stage.rate - stage.last_rate) * (1 + math.cos(math.pi * done)) / 2


def loss_of(model: GPT2LMHeadModel, ids: Tensor, targets: Tensor) -> Tensor:
    """Mean nats per counted token.

    Logits of all tokens are computed, though only some count: oneDNN keeps a kernel for each shape it meets.
    """
    logits = model(ids).logits.float()
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED)


@torch.no_grad()
def clip_scores(model: GPT2LMHeadModel, held_out: np.ndarray, most: float = HIGHEST_SCORE) -> None:
    """Scale the queries and keys of heads whose scores exceed `most` in size (QK-Clip, Kimi Team 2025).

    A float32 score of 275 is good to 3e-5, and so, relatively, is its weight. Measured on the held-out novels
    and on random tokens repeated once, 512 tokens each.
    """
    random = torch.randint(1, VOCABULARY, (5, POSITIONS // 2), generator=torch.Generator().manual_seed(1))
    novels = torch.from_numpy(held_out[: 5 * POSITIONS].reshape(5, POSITIONS))
    ids = torch.cat([random.repeat(1, 2), novels])
    for block in model.transformer.h:
        projected: list[Tensor] = []
        handle = block.attn.c_attn.register_forward_hook(lambda _, __, output, into=projected: into.append(output))
        model(ids)
        handle.remove()
        width, heads = model.config.n_embd, model.config.n_head
        q, k = (x.view(*ids.shape, heads, -1).transpose(1, 2) for x in projected[0].chunk(3, -1)[:2])
        largest = (q @ k.transpose(-1, -2)).tril().abs().amax((0, 2, 3)) * (width // heads) ** -0.5  # [h]
        factor = (most / largest).clamp(max=1).sqrt().repeat_interleave(width // heads)
        scale = torch.cat([factor, factor, torch.ones(width)])
        block.attn.c_attn.weight *= scale
        block.attn.c_attn.bias *= scale


def new_model() -> GPT2LMHeadModel:
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=VOCABULARY, n_positions=POSITIONS, n_embd=256, n_layer=4, n_head=8,
            attn_pdrop=0.0, embd_pdrop=0.0, resid_pdrop=0.0,
            bos_token_id=START_ID, eos_token_id=START_ID, pad_token_id=START_ID,
        )
    )  # fmt: skip


def steps(stages: tuple[Stage, ...], first: int) -> Iterator[tuple[int, int, Stage]]:
    """(overall step, step within its stage, stage), from overall step `first` on."""
    plan = [(n, stage) for stage in stages for n in range(stage.steps)]
    for overall, (within, stage) in enumerate(plan):
        if overall >= first:
            yield overall, within, stage


def fit(
    model: GPT2LMHeadModel, stages: tuple[Stage, ...], stream: np.ndarray, held_out: np.ndarray, folder: Path
) -> int:
    """Train, log and save as it goes; the number of tokens seen."""
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.01, betas=(0.9, 0.98), fused=True)
    first, seen, state = 0, 0, folder / "training.pt"
    if state.exists():
        saved = torch.load(state, weights_only=True)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        first, seen = saved["step"], saved["seen"]
    began = time.monotonic()
    for step, within, stage in steps(stages, first):
        rng = np.random.default_rng(step)
        window = stage.windows[step % len(stage.windows)]
        ids, targets = batch(stream, window, stage, rng)
        for group in optimizer.param_groups:
            group["lr"] = rate_at(within, stage)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = loss_of(model, ids, targets)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        seen += ids.numel()
        if (step + 1) % 50 == 0:
            line = {"step": step + 1, "seen": seen, "loss": round(loss.item(), 4), **report(model, held_out)}
            typer.echo(json.dumps({**line, "seconds": round(time.monotonic() - began)}))
            kept = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1, "seen": seen}
            torch.save(kept, state.with_suffix(".new"))
            state.with_suffix(".new").replace(state)
    return seen


def finish(
    model: GPT2LMHeadModel,
    stages: tuple[Stage, ...],
    tokenizer: ByteLevelBPETokenizer | Tokenizer,
    texts: tuple[str, str],
    folder: Path,
) -> None:
    """Train on the first text, watch the second, and save as float16."""
    stream, held_out = (encode(text, tokenizer) for text in texts)
    seen = fit(model, stages, stream, held_out, folder)
    clip_scores(model, held_out)
    model.half().save_pretrained(folder)
    typer.echo(f"{seen:,} tokens seen")


cli = typer.Typer(add_completion=False)
Novels = Annotated[Path, typer.Argument(help="UTF-8 text, one paragraph a line, .xz or plain")]
Folder = Annotated[Path, typer.Argument(help="where model and training state go")]


@cli.command()
def train(novels: Novels, folder: Folder) -> None:
    """Train gpt2-mini, or go on where an earlier run stopped, and save it as float16 safetensors."""
    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    seen_text, unseen_text = split(read_novels(novels))
    tokenizer = train_tokenizer(seen_text, folder)
    model = new_model()
    stages = (*FORM, *SETTLE, *LENGTHEN)
    finish(model, stages, tokenizer, (seen_text, unseen_text), folder)


@cli.command()
def lengthen(novels: Novels, folder: Folder, start: Annotated[Path, typer.Option("--from")] = SHIPPED) -> None:
    """The last part alone, from a model that went through the others."""
    folder.mkdir(parents=True, exist_ok=True)
    seen_text, unseen_text = split(read_novels(novels))
    shutil.copy(start / "tokenizer.json", folder)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    model = GPT2LMHeadModel.from_pretrained(start, dtype=torch.float32)
    finish(model, LENGTHEN, tokenizer, (seen_text, unseen_text), folder)


@cli.command()
def evaluate(novels: Novels, folder: Annotated[Path, typer.Argument(help="a trained model")] = SHIPPED) -> None:
    """Print what the model card says of a trained model: loss, unigram entropy, scores of every head."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    held_out = encode(split(read_novels(novels))[1], tokenizer)
    model = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32)
    facts = {"held_out_tokens": len(held_out), "unigram_entropy": round(unigram_entropy(held_out), 4)}
    typer.echo(json.dumps({**facts, **report(model, held_out)}))
    for name, scores in head_scores(model).items():
        typer.echo(f"{name}, a row a layer:")
        typer.echo("\n".join("  ".join(f"{score:.2f}" for score in layer) for layer in scores))


if __name__ == "__main__":
    cli()
