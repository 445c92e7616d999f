"""The same on an accelerator, where torch finds one: capture, windows, and eager with all maps beside them."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch
from transformers import GPT2Model

from headscope.capture.capture import Capture, run
from headscope.capture.windows import head_window, window
from headscope.models.loading import load
from headscope.records import ModelCard

from .figures import Row, megabytes, milliseconds
from .measure import in_turns, seconds
from .models import HEADS, LAYERS, random_gpt2, text

SIZES = (1024, 4096, 16_384)
Work = Callable[[], object]


@torch.inference_mode()
def plain(model: GPT2Model, maps: bool, tokens: int) -> object:
    return model(torch.randint(256, (1, tokens), device="cuda"), use_cache=False, output_attentions=maps)


def done(work: Work) -> None:
    """The work, and all that it left the device to do."""
    work()
    torch.cuda.synchronize()


def needed(work: Work) -> int:
    """Bytes of the device above what is held already, its answer included."""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    held = work()
    torch.cuda.synchronize()
    del held
    return torch.cuda.max_memory_allocated() - before


def room(tokens: int) -> bool:
    """Whether every map fits, and as many temporary ones as two layers have."""
    return 4 * tokens**2 * HEADS * (LAYERS + 4) < 0.9 * torch.cuda.mem_get_info()[0]


def rows(quick: bool) -> Iterator[Row]:
    """A row for each size; one word where there is no accelerator."""
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
        if room(tokens):
            works["eager"] = partial(plain, plains["eager"], True, tokens)
        yield captured(works, tokens)
        yield from windows(run(model, text(tokens)), tokens)


def captured(works: dict[str, Work], tokens: int) -> Row:
    memory = {name: needed(work) for name, work in works.items()}  # also warms up
    turns = (lambda name=name, work=work: {name: seconds(partial(done, work))} for name, work in works.items())
    best = in_turns(*turns, budget=10)
    ratio = best["capture"] / best["forward"]
    beside = f"forward {milliseconds(best['forward'])}"
    eager = f"{milliseconds(best['eager'])}, {megabytes(memory['eager'])}" if "eager" in best else "has no room"
    measured = f"{milliseconds(best['capture'])} ({ratio:.2f} x the forward), {megabytes(memory['capture'])}"
    return Row(f"GPU: capture, {tokens:,} tokens", measured, beside=f"{beside}; eager with all maps {eager}")


def windows(capture: Capture, tokens: int) -> Iterator[Row]:
    """A window as it is, and the whole head pooled; both as they arrive on this side."""
    near = (tokens - 256, tokens), (0, 256)
    whole = (0, tokens), (0, tokens)
    for what, spans, cells in (("a 256 x 256 window", near, 256), ("one head pooled to 512 x 512", whole, 512)):
        part = window(tokens, *spans, cells)
        work = partial(head_window, capture, LAYERS - 1, HEADS - 1, part)
        memory = needed(work)
        best = in_turns(lambda work=work: {"window": seconds(partial(done, work))}, budget=2)
        yield Row(f"GPU: {what}, {tokens:,} tokens", f"{milliseconds(best['window'])}, {megabytes(memory)}")
