"""Train `gpt2-mini`, the small GPT-2 of this project, on a file of novels.

    python -m headscope.models.bundled.train_gpt2_mini train BOOKS.txt.xz FOLDER
    python -m headscope.models.bundled.train_gpt2_mini lengthen BOOKS.txt.xz FOLDER
    python -m headscope.models.bundled.train_gpt2_mini evaluate BOOKS.txt.xz

The training has three parts. *Form*: short windows; most of them are one repeated segment, and its first
occurrence does not count for the loss. The loss then decreases most when heads attend to what followed a
token at its earlier occurrence: previous-token and induction heads form. *Settle*: mostly novels, windows
of up to 512 tokens, a decreasing learning rate, and enough repeated segments to keep these heads.
*Lengthen*: segments of up to half a window, so that the heads work over all positions; the command
`lengthen` starts this part from a model that has completed the others. At the end, queries and keys are
scaled down where scores are too large for the precision of float32. The state is saved regularly, and the
same command resumes an interrupted training.
"""

import json
import math
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from tokenizers import ByteLevelBPETokenizer, Tokenizer
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel

from .data_gpt2_mini import IGNORED, Stage, batch, encode, read_novels, split, train_tokenizer
from .measure_gpt2_mini import START_ID, VOCABULARY, head_scores, report, unigram_entropy

SHIPPED = Path(__file__).parent / "gpt2_mini"
POSITIONS = 512
HIGHEST_SCORE = 120.0


# The stages of the bundled weights, except that in the first 200 steps of SETTLE the rate decreased as for 1,700 steps,
# and in the first 200 steps of LENGTHEN as for 700. The first two stages lowered the loss, and few heads formed; with
# segments of at most 12 tokens, induction heads formed within 500 steps. LENGTHEN raised the best scores on 200 tokens,
# repeated once, from 0.33 to 0.86 (induction) and from 0.23 to 0.60 (previous token).
FORM = (
    Stage(900, 1e-3, 1e-3, 200, (64,), 4096, 0.6, 32),
    Stage(600, 1e-3, 1e-3, 1, (64,), 4096, 0.9, 32),
    Stage(500, 2e-3, 2e-3, 1, (64,), 4096, 0.9, 12),
)
SETTLE = (Stage(1100, 1e-3, 5e-5, 1, (128, 256, 512), 8192, 0.3, 64),)
LENGTHEN = (Stage(400, 1e-3, 2e-5, 30, (512, 512, 256), 4096, 0.5, 255),)


def rate_at(step: int, stage: Stage) -> float:
    """Linear warm-up, then a cosine decrease to `last_rate`."""
    if step < stage.warm_up:
        return stage.rate * (step + 1) / stage.warm_up
    done = (step - stage.warm_up) / max(1, stage.steps - stage.warm_up)
    return stage.last_rate + (stage.rate - stage.last_rate) * (1 + math.cos(math.pi * done)) / 2


def loss_of(model: GPT2LMHeadModel, ids: Tensor, targets: Tensor) -> Tensor:
    """Mean nats per token that counts.

    Logits are computed for all tokens, because oneDNN keeps a kernel in memory for each shape of the input.
    """
    logits = model(ids).logits.float()
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED)


@torch.no_grad()
def clip_scores(model: GPT2LMHeadModel, held_out: np.ndarray, most: float = HIGHEST_SCORE) -> None:
    """Scale down the queries and keys of heads with scores above `most` in absolute value (QK-Clip, Kimi Team 2025).

    A float32 score of 275 has an error of up to 3e-5, which is also the relative error of its weight. The scores are
    measured on the held-out novels and on random tokens repeated once, 512 tokens each.
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
    """(overall step, step within its stage, stage), beginning at overall step `first`."""
    plan = [(n, stage) for stage in stages for n in range(stage.steps)]
    for overall, (within, stage) in enumerate(plan):
        if overall >= first:
            yield overall, within, stage


def fit(
    model: GPT2LMHeadModel, stages: tuple[Stage, ...], stream: np.ndarray, held_out: np.ndarray, folder: Path
) -> int:
    """Train, log and save the state regularly. Returns the number of tokens seen."""
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.01, betas=(0.9, 0.98), fused=True)
    saved = folder / "training.pt"
    first, seen = resume(saved, model, optimizer)
    began = time.monotonic()
    for step, within, stage in steps(stages, first):
        rng = np.random.default_rng(step)
        ids, targets = batch(stream, stage.windows[step % len(stage.windows)], stage, rng)
        loss = train_step(model, optimizer, rate_at(within, stage), ids, targets)
        seen += ids.numel()
        if (step + 1) % 50 == 0:
            line = {"step": step + 1, "seen": seen, "loss": round(loss, 4), **report(model, held_out)}
            typer.echo(json.dumps({**line, "seconds": round(time.monotonic() - began)}))
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1, "seen": seen}
            torch.save(state, saved.with_suffix(".new"))
            saved.with_suffix(".new").replace(saved)
    return seen


def resume(saved: Path, model: GPT2LMHeadModel, optimizer: torch.optim.Optimizer) -> tuple[int, int]:
    """Load the saved state, if there is one. Returns the next step and the number of tokens seen so far."""
    if not saved.exists():
        return 0, 0
    state = torch.load(saved, weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return state["step"], state["seen"]


def train_step(
    model: GPT2LMHeadModel, optimizer: torch.optim.Optimizer, rate: float, ids: Tensor, targets: Tensor
) -> float:
    for group in optimizer.param_groups:
        group["lr"] = rate
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = loss_of(model, ids, targets)
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    return float(loss.item())


def finish(
    model: GPT2LMHeadModel,
    stages: tuple[Stage, ...],
    tokenizer: ByteLevelBPETokenizer | Tokenizer,
    texts: tuple[str, str],
    folder: Path,
) -> None:
    """Train on the first text, evaluate on the second, and save as float16."""
    stream, held_out = (encode(text, tokenizer) for text in texts)
    seen = fit(model, stages, stream, held_out, folder)
    clip_scores(model, held_out)
    model.half().save_pretrained(folder)
    typer.echo(f"{seen:,} tokens seen")


cli = typer.Typer(add_completion=False)
Novels = Annotated[Path, typer.Argument(help="UTF-8 text, one paragraph a line, .xz or plain")]
Folder = Annotated[Path, typer.Argument(help="folder for the model and the state of the training")]


@cli.command()
def train(novels: Novels, folder: Folder) -> None:
    """Train gpt2-mini, or resume an interrupted training, and save it as float16 safetensors."""
    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    seen_text, unseen_text = split(read_novels(novels))
    tokenizer = train_tokenizer(seen_text, folder)
    model = new_model()
    stages = (*FORM, *SETTLE, *LENGTHEN)
    finish(model, stages, tokenizer, (seen_text, unseen_text), folder)


@cli.command()
def lengthen(novels: Novels, folder: Folder, start: Annotated[Path, typer.Option("--from")] = SHIPPED) -> None:
    """Only the last part, starting from a model that has completed the others."""
    folder.mkdir(parents=True, exist_ok=True)
    seen_text, unseen_text = split(read_novels(novels))
    shutil.copy(start / "tokenizer.json", folder)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    model = GPT2LMHeadModel.from_pretrained(start, dtype=torch.float32)
    finish(model, LENGTHEN, tokenizer, (seen_text, unseen_text), folder)


@cli.command()
def evaluate(novels: Novels, folder: Annotated[Path, typer.Argument(help="a trained model")] = SHIPPED) -> None:
    """Print the numbers for the model card of a trained model: loss, unigram entropy, scores of every head."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    held_out = encode(split(read_novels(novels))[1], tokenizer)
    model = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32)
    facts = {"held_out_tokens": len(held_out), "unigram_entropy": round(unigram_entropy(held_out), 4)}
    typer.echo(json.dumps({**facts, **report(model, held_out)}))
    for name, scores in head_scores(model).items():
        typer.echo(f"{name}, one row per layer:")
        typer.echo("\n".join("  ".join(f"{score:.2f}" for score in layer) for layer in scores))


if __name__ == "__main__":
    cli()
