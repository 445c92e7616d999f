"""A tiny model of each of several types: our attention beside eager attention, and a load from files. One process."""

import contextlib
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import PreTrainedModel
from transformers.utils import logging

from headscope.attention.hooks import watching
from headscope.capture.admission import Pass, admit, eager_pass, our_pass
from headscope.models.adopting import adopt_without_table
from headscope.models.loading import LoadedModel, load
from headscope.records import ModelCard

from ..tiny_types import VOCABULARY, tiny

MEMORY = 8 * 2**30  # bytes of addresses; torch alone takes half of it
CARD = ModelCard("local:tiny", "", "", "local")


def serve(types: Sequence[str], answers: Connection) -> None:
    """Measure one type after the other. Each answer is a dictionary."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    for model_type in types:
        answers.send(measured(model_type))


def measured(model_type: str) -> dict[str, Any]:
    """What became of a type. `remark` is the error of the first step that failed."""
    start, found = time.perf_counter(), dict[str, Any]()
    steps: tuple[Callable[[str, dict[str, Any]], None], ...] = (compare, load_from_files)
    for step in steps:
        try:
            step(model_type, found)
        except Exception as error:  # noqa: BLE001 - the table lists it
            found["remark"] = f"{step.__name__}: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
            break
    return {**found, "seconds": round(time.perf_counter() - start, 2)}


@torch.inference_mode()
def compare(model_type: str, found: dict[str, Any]) -> None:
    """Raises what adopting and admitting the model raise."""
    adopted = adopt_without_table(tiny(model_type))
    stacks = adopted.stacks()
    model = LoadedModel(ModelCard("tiny", "", model_type, "local", stacks=stacks), adopted, tokenizer=None)  # type: ignore[arg-type]
    theirs, square = eager_pass(model, torch.float32), []
    with watching(adopted.model, "terms", lambda _, terms: square.append(is_square(terms))):
        ours = our_pass(model, torch.float32)
    *patterns, output = ours.errors(theirs)
    found |= {
        "route": "watched" if adopted.watched else "interface",
        "stacks": [stack.name for stack in stacks],
        "layers": len(adopted.attention),
        "pattern": float(f"{max(patterns):.1e}"),
        "output": float(f"{output:.1e}"),
        "contrast": float(f"{contrast(theirs):.1e}"),
        "square": any(square),
    }
    admit(model)


def is_square(terms: Any) -> bool:
    """Whether a mask or a bias is kept with a number or a bit for each query and key."""
    return terms.rule.bits is not None or (terms.bias is not None and terms.bias.kind == "dense")


def contrast(theirs: Pass) -> float:
    """How much the weights of a row differ, in the layer where they differ least: 0 would test nothing."""
    return min(pattern.std(-1).max().item() for pattern in theirs.patterns)


def load_from_files(model_type: str, found: dict[str, Any]) -> None:
    """Raises what loading raises."""
    with tempfile.TemporaryDirectory() as name:
        write(tiny(model_type), Path(name))
        with contextlib.redirect_stdout(None):
            found["errors_loaded"] = float(f"{max(certificate_of(Path(name))):.1e}")


def certificate_of(folder: Path) -> tuple[float, ...]:
    card = admit(load(folder, CARD)).card
    assert card.certificate is not None
    return card.certificate.max_abs_error


def write(model: PreTrainedModel, folder: Path) -> None:
    model.save_pretrained(folder)
    words = {f"w{n}": n for n in range(VOCABULARY - 4)}
    tokenizer = Tokenizer(WordLevel(words, unk_token="w1"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
