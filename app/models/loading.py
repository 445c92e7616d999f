"""A folder of a checkpoint -> model with our attention layers, tokenizer and card. Safetensors only."""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from tokenizers import Tokenizer
from transformers import PretrainedConfig, PreTrainedModel
from transformers.utils import logging as transformers_logging

from ..errors import CorruptModel, DeviceMissing, UnsafeFormat, UnsupportedModel, WeightsDoNotFit
from ..records import ModelCard, Token
from .adapter import Adapter, Adopted, adopt
from .bert import BERT
from .gpt2 import GPT2
from .tokens import read_tokenizer, tokenize

FAMILIES = {adapter.family: adapter for adapter in (BERT, GPT2)}
WEIGHTS = "model.safetensors"
# While it loads, transformers patches torch for the whole process: two loads at once see half-made models.
LOADING = Lock()


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to run, with everything that is said of it."""

    card: ModelCard
    adapter: Adapter
    adopted: Adopted
    tokenizer: Tokenizer

    def tokens(
        self, text: str, text_pair: str | None = None, most: int | None = None, *, truncate: bool = False
    ) -> tuple[tuple[Token, ...], int]:
        """At most `most`, and never more than the model has positions for; and how many tokens were cut off.

        Raises TooManyTokens, PairNotSupported.
        """
        limit = min(filter(None, (self.card.max_tokens, most)))
        return tokenize(self.tokenizer, text, text_pair, pairs=self.adapter.pairs, most=limit, truncate=truncate)

    @property
    def device(self) -> torch.device:
        device: torch.device = self.adopted.model.device
        return device


def load(folder: Path, card: ModelCard, *, device: str = "cpu", sha256: str | None = None) -> LoadedModel:
    """Read, check and adopt the checkpoint in `folder`, in float32.

    Raises a ModelRefused that says what is wrong: a family or feature we do not compute, a format that can
    carry code, a broken file, weights that are not what the config or the adapter's table says.
    Raises DeviceMissing.
    """
    adapter, config, model_class = read_config(folder)
    digest = check_weights(folder, sha256)
    tokenizer = read_tokenizer(require(folder, "tokenizer.json"))
    check_device(device)
    model = read_weights(folder, config, model_class, adapter).to(torch.device(device))
    return LoadedModel(describe(card, adapter, model, digest), adapter, adopt(model, adapter), tokenizer)


def require(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise CorruptModel(f"{name} is missing: a model folder holds config.json, tokenizer.json and {WEIGHTS}")
    return path


def read_config(folder: Path) -> tuple[Adapter, PretrainedConfig, type[PreTrainedModel]]:
    """Adapter, config and class that config.json asks for; it is read here, so that nothing in it can run."""
    try:
        raw: dict[str, Any] = json.loads(require(folder, "config.json").read_text())
    except ValueError as error:
        raise CorruptModel(f"config.json is not JSON: {error}") from error
    adapter = FAMILIES.get(raw.get("model_type", ""))
    if adapter is None:
        raise UnsupportedModel(f"model_type {raw.get('model_type')!r}: this version reads {', '.join(FAMILIES)}")
    if "auto_map" in raw:
        raise UnsupportedModel("config.json names code of its own (auto_map), and code from a model is never run")
    architecture = (raw.get("architectures") or ["none"])[0]
    model_class = adapter.classes.get(architecture)
    if model_class is None:
        raise UnsupportedModel(
            f"architecture {architecture!r}: of {adapter.family}, {', '.join(adapter.classes)} are read"
        )
    config = adapter.config_class.from_dict(raw)
    if why := adapter.refusal(config):
        raise UnsupportedModel(why)
    return adapter, config, model_class


def check_weights(folder: Path, sha256: str | None) -> str:
    """The SHA-256 of the weights file, whose header is readable. Raises UnsafeFormat, CorruptModel."""
    if not (folder / WEIGHTS).is_file() and any(folder.glob("*.bin")):
        raise UnsafeFormat(f"the weights are pickled, which can run code: convert them to {WEIGHTS}")
    path = require(folder, WEIGHTS)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if sha256 is not None and digest != sha256:
        raise CorruptModel(f"{WEIGHTS} has sha256 {digest}, the published file has {sha256}: install it again")
    try:
        with safe_open(path, "pt") as weights:
            weights.keys()
    except SafetensorError as error:
        raise CorruptModel(f"{WEIGHTS} cannot be read: {error}") from error
    return digest


def read_weights(
    folder: Path, config: PretrainedConfig, model_class: type[PreTrainedModel], adapter: Adapter
) -> PreTrainedModel:
    """The Hugging Face model with exactly these weights: Hugging Face itself fills gaps with random numbers."""
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()  # its report of odd weights is a warning; ours is an error
    try:
        with LOADING:
            model, report = model_class.from_pretrained(
                folder,
                config=config,
                dtype=torch.float32,
                attn_implementation="sdpa",
                use_safetensors=True,
                local_files_only=True,
                ignore_mismatched_sizes=True,  # so that the report names them, and we refuse them
                output_loading_info=True,
            )
    except (RuntimeError, ValueError) as error:
        raise WeightsDoNotFit(f"the weights do not fit config.json: {str(error)[:400]}") from error
    skipped = re.compile("|".join(adapter.skipped))
    unknown = sorted(key for key in report["unexpected_keys"] if not skipped.fullmatch(key))
    for what, keys in (("missing", sorted(report["missing_keys"])), ("unknown", unknown)):
        if keys:
            raise WeightsDoNotFit(
                f"{len(keys)} weights are {what}, the first {keys[0]!r}: nothing is filled with random numbers"
            )
    if report["mismatched_keys"]:
        name, *shapes = min(report["mismatched_keys"])
        stored, wanted = (list(shape) for shape in shapes)
        raise WeightsDoNotFit(f"{name} is {stored} in the file, config.json wants {wanted}")
    return model


def describe(card: ModelCard, adapter: Adapter, model: PreTrainedModel, digest: str) -> ModelCard:
    """The card with all that reading the model has told."""
    first = adapter.sizes(model.config, 0)
    return ModelCard(
        id=card.id,
        title=card.title,
        family=adapter.family,
        source=card.source,
        revision=card.revision or digest[:12],
        layers=model.config.num_hidden_layers,
        heads=first.heads,
        kv_heads=first.kv_heads,
        head_dim=first.head_dim,
        d_model=first.d_model,
        max_tokens=model.config.max_position_embeddings,
        causal=first.causal,
        parameters=model.num_parameters(),
        state="ready",
    )


def check_device(device: str) -> None:
    """Raises DeviceMissing where this machine, or this build of torch, has no such device."""
    kind = torch.device(device).type
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there[kind]:
        names = ", ".join(name for name, has in there.items() if has)
        raise DeviceMissing(
            f"--device {device}: torch {torch.__version__} finds {names} here; "
            "the README says how to get the CUDA build, or leave --device out"
        )
