"""The same on a GPU, if torch finds one: captures, windows, and eager attention that keeps all patterns."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch
from transformers import GPT2Model

from headscope.capture.capture import Capture, run
from headscope.capture.windows import head_window, window
from headscope.models.loading import load
from headscope.records import ModelCard

from .measure import interleaved, seconds
from .measurements import Row, megabytes, milliseconds
from .models import HEADS, LAYERS, random_gpt2, text

SIZES = (1024, 4096, 16_384)
Work = Callable[[], object]


@torch.inference_mode()
def plain(model: GPT2Model, patterns: bool, tokens: int) -> object:
    return model(torch.randint(256, (1, tokens), device="cuda"), use_cache=False, output_attentions=patterns)


def finished(work: Work) -> None:
    """Run the work and wait until the device has finished it."""
    work()
    torch.cuda.synchronize()


def memory_of(work: Work) -> int:
    """Bytes of device memory in addition to those held before, including the result."""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    held = work()
    torch.cuda.synchronize()
    del held
    return torch.cuda.max_memory_allocated() - before


def fits(tokens: int) -> bool:
    """Whether all patterns fit, and temporary ones of four more layers."""
    return 4 * tokens**2 * HEADS * (LAYERS + 4) < 0.9 * torch.cuda.mem_get_info()[0]


def rows(quick: bool) -> Iterator[Row]:
    """Rows for each size; one row if there is no GPU."""
    if not torch.cuda.is_available():
        yield Row("GPU", "not measured: no accelerator")
        return
    folder = random_gpt2()
    model = load(Path(folder), ModelCard("random", "", "gpt2", "local"), device="cuda")
    plains = {
        kind: GPT2Model.from_pretrained(folder, attn_implementation=kind).eval().to("cuda")
        for kind in ("sdpa", "eager")
    }
    for tokens in SIZES[:1] if quick else SIZES:
        works: dict[str, Work] = {
            "forward": partial(plain, plains["sdpa"], False, tokens),
            "capture": lambda tokens=tokens: run(model, text(tokens)),
        }
        if fits(tokens):
            works["eager"] = partial(plain, plains["eager"], True, tokens)
        yield captured(works, tokens)
        yield from windows(run(model, text(tokens)), tokens)


def captured(works: dict[str, Work], tokens: int) -> Row:
    memory = {name: memory_of(work) for name, work in works.items()}  # also warms up
    turns = (lambda name=name, work=work: {name: seconds(partial(finished, work))} for name, work in works.items())
    best = interleaved(*turns, budget=10)
    ratio = best["capture"] / best["forward"]
    comparison = f"forward {milliseconds(best['forward'])}"
    eager = (
        f"{milliseconds(best['eager'])}, {megabytes(memory['eager'])}"
        if "eager" in best
        else "does not fit into memory"
    )
    measured = f"{milliseconds(best['capture'])} ({ratio:.2f} x the forward), {megabytes(memory['capture'])}"
    return Row(
        f"GPU: capture, {tokens:,} tokens", measured, comparison=f"{comparison}; eager with all patterns {eager}"
    )


def windows(capture: Capture, tokens: int) -> Iterator[Row]:
    """A window without pooling, and a whole head pooled; both are copied to the CPU."""
    near = (tokens - 256, tokens), (0, 256)
    whole = (0, tokens), (0, tokens)
    for what, spans, cells in (("a 256 x 256 window", near, 256), ("one head pooled to 512 x 512", whole, 512)):
        part = window(tokens, *spans, cells)
        work = partial(head_window, capture, LAYERS - 1, HEADS - 1, part)
        memory = memory_of(work)
        best = interleaved(lambda work=work: {"window": seconds(partial(finished, work))}, budget=2)
        yield Row(f"GPU: {what}, {tokens:,} tokens", f"{milliseconds(best['window'])}, {megabytes(memory)}")
