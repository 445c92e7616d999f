"""What a capture costs beside a plain SDPA forward, and beside asking Hugging Face for all maps.

    python -m benchmarks.capture            times and memory, a table
    python -m benchmarks.capture --tokens 1024 --rounds 9

GPT-2-small-sized random weights, float32, one text. Times are interleaved, the minimum of several rounds,
and given as a ratio to the plain forward; memory is the peak of a process of its own, above the weights.
"""

import multiprocessing
import platform
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import torch
import typer
from tokenizers import ByteLevelBPETokenizer
from transformers import GPT2Config, GPT2LMHeadModel

from app.capture import run
from app.models.loading import LoadedModel, load
from app.records import ModelCard

SIZES = (32, 128, 512, 1024)
KINDS = ("sdpa", "capture", "eager")
SECONDS_PER_SIZE = 15  # short runs are the noisiest: they get more rounds
MEGABYTE = 1024 * 1024


def gpt2_small(folder: Path) -> LoadedModel:
    """124 million random parameters, and a tokenizer that makes one token of each byte."""
    torch.manual_seed(0)
    GPT2LMHeadModel(GPT2Config()).save_pretrained(folder)
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator([], 256)
    tokenizer.save(str(folder / "tokenizer.json"))
    return load(folder, ModelCard("gpt2-small", "random GPT-2 small", "gpt2", "local"))


def plain(model: LoadedModel, implementation: str, tokens: int) -> object:
    """Hugging Face's own base model on as many tokens; eager is asked for every map, and they are kept."""
    ids = torch.tensor([[ord("a") - ord("!")] * tokens])
    with model.adopted.as_hugging_face() as theirs, torch.inference_mode():
        theirs.set_attn_implementation(implementation)
        output = theirs.base_model(ids, output_attentions=implementation == "eager", use_cache=False)
        assert implementation != "eager" or len(output.attentions) == model.card.layers
        return output


def subjects(model: LoadedModel, tokens: int) -> dict[str, Callable[[], object]]:
    return {
        "sdpa": partial(plain, model, "sdpa", tokens),
        "capture": partial(run, model, ("abc " * tokens)[:tokens]),
        "eager": partial(plain, model, "eager", tokens),
    }


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def best_times(model: LoadedModel, tokens: int, rounds: int) -> dict[str, float]:
    """Kind -> its fastest run, the kinds taking turns so that a busy moment hits all alike."""
    works = subjects(model, tokens)
    warm_up = sum(seconds(work) for work in works.values())
    rounds = max(rounds, int(SECONDS_PER_SIZE / warm_up))
    taken = [{kind: seconds(work) for kind, work in works.items()} for _ in range(rounds)]
    return {kind: min(times[kind] for times in taken) for kind in works}


def peak_bytes() -> int:
    """The most this process has held since the last reset (Linux)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def peak_above_weights(folder: Path, kind: str, tokens: int) -> int:
    """Run in a process of its own: bytes above what the loaded, warmed-up model holds."""
    model = load(folder, ModelCard("gpt2-small", "", "gpt2", "local"))
    subjects(model, 8)[kind]()
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak to what is held now
    before = peak_bytes()
    held = subjects(model, tokens)[kind]()
    after = peak_bytes()
    del held
    return after - before


def in_its_own_process(folder: Path, kind: str, tokens: int, times: int = 3) -> int:
    """The least of several processes: what the allocator keeps for later differs from run to run."""
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        return min(pool.apply(peak_above_weights, (folder, kind, tokens)) for _ in range(times))


def main(
    tokens: Annotated[list[int] | None, typer.Option(help="sizes, default 32 128 512 1024")] = None,
    rounds: Annotated[int, typer.Option(help="runs of each kind, at least")] = 9,
) -> None:
    """Print the table in Markdown."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers"))
    print(f"{platform.machine()}, {torch.get_num_threads()} threads, {versions}")
    print(f"minimum of {rounds} or more, interleaved\n")
    print("| tokens | SDPA forward | capture | eager, all maps | memory: capture | eager | capture / eager |")
    print("|---|---|---|---|---|---|---|")
    with TemporaryDirectory() as name:
        folder = Path(name)
        model = gpt2_small(folder)
        for size in tokens or SIZES:
            times = best_times(model, size, rounds)
            base = times["sdpa"]
            ratios = (f"{times[kind] / base:.2f} x" for kind in ("capture", "eager"))
            capture, eager = (in_its_own_process(folder, kind, size) for kind in ("capture", "eager"))
            memory = f"{capture / MEGABYTE:.0f} MB | {eager / MEGABYTE:.0f} MB | {capture / eager:.2f}"
            print(f"| {size} | {base * 1000:.1f} ms | {' | '.join(ratios)} | {memory} |", flush=True)


if __name__ == "__main__":
    typer.run(main)
