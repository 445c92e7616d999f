"""The same on a GPU, if torch finds one: captures, windows, and eager attention that keeps all patterns."""

import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import partial

import torch
from transformers import GPT2Config, GPT2Model, LlamaConfig, LlamaModel, PretrainedConfig, PreTrainedModel

from headscope.capture.capture import Capture, run_prompt
from headscope.capture.windows import head_window, window
from headscope.models.adapter import adopt
from headscope.models.data_types import TORCH_DTYPES
from headscope.models.families import FAMILIES
from headscope.models.interface.attention import NAME
from headscope.models.loading import LoadedModel
from headscope.records import ModelCard, ModelDtype, Prompt, Token, TokenizedPrompt

from .measure import interleaved, seconds
from .measurements import Row, megabytes, milliseconds

SIZES = (4096, 16_384)
DTYPES: tuple[ModelDtype, ...] = ("float32", "bfloat16")
VOCABULARY = 256
Work = Callable[[], object]


@dataclass(frozen=True)
class Shape:
    """The shape of a well-known model; its weights are random."""

    name: str
    model_class: type[PreTrainedModel]
    config: PretrainedConfig


SHAPES = (
    Shape("GPT-2 small", GPT2Model, GPT2Config(vocab_size=VOCABULARY, n_positions=SIZES[-1])),
    Shape(
        "a Llama shape (16 layers, 32 heads on 8)", LlamaModel,
        LlamaConfig(
            vocab_size=VOCABULARY, hidden_size=2048, intermediate_size=8192, num_hidden_layers=16,
            num_attention_heads=32, num_key_value_heads=8, max_position_embeddings=SIZES[-1],
        ),
    ),
)  # fmt: skip


def rows(quick: bool) -> Iterator[Row]:
    """Rows for each model, data type and size; one row if there is no GPU."""
    if not torch.cuda.is_available():
        yield Row("GPU", "not measured: no accelerator was available")
        return
    yield from measured("cuda", SHAPES, SIZES[:1] if quick else SIZES, budget=3 if quick else 10)


def measured(device: str, shapes: tuple[Shape, ...], sizes: tuple[int, ...], budget: float) -> Iterator[Row]:
    for shape in shapes:
        for dtype in DTYPES:
            ours = our_model(shape, dtype, device)
            plains = {kind: plain_model(shape, dtype, device, kind) for kind in ("sdpa", "eager")}
            for tokens in sizes:
                where = f"{shape.name} in {dtype}, {tokens:,} tokens"
                works = works_of(ours, plains, tokens, device)
                yield captured(f"GPU: capture of {where}", works, device, budget)
                yield from windows(where, run_prompt(ours, random_tokens(tokens), "0"), device, budget)


def plain_model(shape: Shape, dtype: ModelDtype, device: str, attention: str) -> PreTrainedModel:
    torch.manual_seed(0)
    model = shape.model_class._from_config(deepcopy(shape.config), attn_implementation=attention)
    placed: PreTrainedModel = model.to(device, TORCH_DTYPES[dtype]).eval()
    return placed


def our_model(shape: Shape, dtype: ModelDtype, device: str) -> LoadedModel:
    adopted = adopt(plain_model(shape, dtype, device, NAME), FAMILIES[shape.config.model_type])
    stacks = adopted.stacks()
    card = ModelCard("random", "", shape.config.model_type, "local", causal=True, stacks=stacks, dtype=dtype)
    return LoadedModel(card, adopted, tokenizer=None)  # type: ignore[arg-type]


def random_tokens(count: int) -> TokenizedPrompt:
    ids = random.choices(range(VOCABULARY), k=count)
    tokens = tuple(Token(index, number, "", index, index + 1, False, 0) for index, number in enumerate(ids))
    return TokenizedPrompt(Prompt(""), tokens)


def works_of(ours: LoadedModel, plains: dict[str, PreTrainedModel], tokens: int, device: str) -> dict[str, Work]:
    works: dict[str, Work] = {
        "forward": partial(plain, plains["sdpa"], False, tokens),
        "capture": lambda: run_prompt(ours, random_tokens(tokens), "0"),
    }
    if fits(ours.card, tokens, device):
        works["eager"] = partial(plain, plains["eager"], True, tokens)
    return works


@torch.inference_mode()
def plain(model: PreTrainedModel, patterns: bool, tokens: int) -> object:
    ids = torch.randint(VOCABULARY, (1, tokens), device=model.device)
    return model(ids, use_cache=False, output_attentions=patterns)


def finished(work: Work, device: str) -> None:
    """Run the work and wait until the device has finished it."""
    work()
    if device == "cuda":
        torch.cuda.synchronize()


def memory_of(work: Work, device: str) -> int:
    """Bytes of device memory in addition to those held before, including the result; 0 if it is no GPU."""
    if device != "cuda":
        work()
        return 0
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    held = work()
    torch.cuda.synchronize()
    del held
    return torch.cuda.max_memory_allocated() - before


def fits(card: ModelCard, tokens: int, device: str) -> bool:
    """Whether all patterns fit, and temporary ones of four more layers."""
    heads = sum(layer.heads for layer in card.stacks[0].layers) + 4 * card.stacks[0].heads
    return device != "cuda" or 4 * tokens**2 * heads < 0.9 * torch.cuda.mem_get_info()[0]


def captured(what: str, works: dict[str, Work], device: str, budget: float) -> Row:
    memory = {name: memory_of(work, device) for name, work in works.items()}  # also warms up
    turns = (
        lambda name=name, work=work: {name: seconds(partial(finished, work, device))} for name, work in works.items()
    )
    best = interleaved(*turns, budget=budget)
    ratio = best["capture"] / best["forward"]
    forward = f"SDPA forward {milliseconds(best['forward'])}, {megabytes(memory['forward'])}"
    eager = (
        f"{milliseconds(best['eager'])}, {megabytes(memory['eager'])}"
        if "eager" in best
        else "does not fit into memory"
    )
    found = f"{milliseconds(best['capture'])} ({ratio:.2f} x the forward), {megabytes(memory['capture'])}"
    return Row(what, found, comparison=f"{forward}; eager with all patterns {eager}")


def windows(where: str, capture: Capture, device: str, budget: float) -> Iterator[Row]:
    """A window without pooling, and a whole head pooled; both are copied to the CPU."""
    tokens, last = len(capture.tokens), capture.layers[-1]
    edge = min(256, tokens)
    near = (tokens - edge, tokens), (0, edge)
    whole = (0, tokens), (0, tokens)
    for what, spans, cells in ((f"a {edge} x {edge} window", near, edge), ("one head pooled to 512 x 512", whole, 512)):
        part = window(tokens, *spans, cells)
        work = partial(head_window, capture, last.index, last.heads - 1, part)
        memory = memory_of(work, device)
        best = interleaved(lambda work=work: {"window": seconds(partial(finished, work, device))}, budget=budget / 5)
        yield Row(f"GPU: {what} of {where}", f"{milliseconds(best['window'])}, {megabytes(memory)}")
