"""Load a model from a checkpoint folder: our attention layers, the tokenizer, and the card. Only safetensors."""

import re
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import PreTrainedModel
from transformers.utils import logging as transformers_logging

from ..errors import WeightsDoNotFit
from ..records import ModelCard, Token
from .adapter import Adapter, Adopted, adopt
from .checkpoint import TOKENIZER, Claim, check_digest, parameters, read_config, require
from .device import check_device
from .tokens import read_tokenizer, tokenize

# transformers patches torch for the whole process while it loads, so two loads at once would disturb each other.
LOADING = Lock()


@dataclass(frozen=True)
class LoadedModel:
    """A model that is ready to run, and its card."""

    card: ModelCard
    adapter: Adapter
    adopted: Adopted
    tokenizer: Tokenizer

    def tokens(
        self, text: str, text_pair: str | None = None, most: int | None = None, *, truncate: bool = False
    ) -> tuple[tuple[Token, ...], int]:
        """The tokens of a text or a pair of texts, and the number of tokens that were cut off.

        `most` limits the number of tokens; the model's own positions limit it as well.
        Raises TooManyTokens, PairNotSupported, EmptyText.
        """
        limit = min(filter(None, (self.card.max_tokens, most)))
        return tokenize(self.tokenizer, text, text_pair, pairs=bool(self.card.pairs), most=limit, truncate=truncate)

    @property
    def device(self) -> torch.device:
        device: torch.device = self.adopted.model.device
        return device


def load(folder: Path, card: ModelCard, *, device: str = "cpu", sha256: str | None = None) -> LoadedModel:
    """Check and load the checkpoint in `folder`, in float32, with our attention layers.

    Raises a subclass of ModelRefused with the reason: an unsupported family or feature, a file format that can contain
    code, a broken file, weights that do not match the config or the table of the family. Raises DeviceMissing.
    """
    claim = read_config(folder)
    parameters(folder)
    digest = check_digest(folder, sha256)
    tokenizer = read_tokenizer(require(folder, TOKENIZER))
    check_vocabulary(tokenizer, claim)
    check_device(device)
    model = read_weights(folder, claim).to(torch.device(device))
    return LoadedModel(describe(card, claim, model, digest), claim.adapter, adopt(model, claim.adapter), tokenizer)


def check_vocabulary(tokenizer: Tokenizer, claim: Claim) -> None:
    """Raises WeightsDoNotFit if the vocabulary has a token without an embedding."""
    last, rows = max(tokenizer.get_vocab().values(), default=0), claim.config.vocab_size
    if last >= rows:
        raise WeightsDoNotFit(f"tokenizer.json has tokens up to {last}, config.json has embeddings for 0..{rows - 1}")


def read_weights(folder: Path, claim: Claim) -> PreTrainedModel:
    """The Hugging Face model with exactly these weights. Raises WeightsDoNotFit."""
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()  # it only warns about weights that do not match; here that is an error
    try:
        with LOADING:
            model, report = claim.model_class.from_pretrained(
                folder,
                config=claim.config,
                dtype=torch.float32,
                attn_implementation="sdpa",
                use_safetensors=True,
                local_files_only=True,
                ignore_mismatched_sizes=True,  # the report names them, and they are refused below
                output_loading_info=True,
            )
    except (RuntimeError, ValueError) as error:
        raise WeightsDoNotFit(f"the weights do not fit config.json: {str(error)[:400]}") from error
    check_report(report, claim.adapter)
    return model


def check_report(report: dict[str, Any], adapter: Adapter) -> None:
    """Raises WeightsDoNotFit if weights are missing, unknown, or have another shape than config.json describes."""
    skipped = re.compile("|".join(adapter.skipped))
    unknown = sorted(key for key in report["unexpected_keys"] if not skipped.fullmatch(key))
    # transformers would initialise missing weights with random numbers.
    for problem, keys in (("missing", sorted(report["missing_keys"])), ("unknown", unknown)):
        if keys:
            raise WeightsDoNotFit(
                f"{len(keys)} weights are {problem}, the first is {keys[0]!r}: the checkpoint has to match config.json"
            )
    if report["mismatched_keys"]:
        name, *shapes = min(report["mismatched_keys"])
        stored, wanted = (list(shape) for shape in shapes)
        raise WeightsDoNotFit(f"{name} is {stored} in the file, config.json wants {wanted}")


def describe(card: ModelCard, claim: Claim, model: PreTrainedModel, digest: str) -> ModelCard:
    """The card with the sizes of the loaded model."""
    first = claim.adapter.sizes(model.config, 0)
    return ModelCard(
        id=card.id,
        title=card.title,
        family=claim.adapter.family,
        source=card.source,
        revision=card.revision or digest[:12],
        layers=model.config.num_hidden_layers,
        heads=first.heads,
        kv_heads=first.kv_heads,
        head_dim=first.head_dim,
        d_model=first.d_model,
        max_tokens=model.config.max_position_embeddings,
        causal=first.causal,
        pairs=claim.adapter.pairs(model.config),
        parameters=model.num_parameters(),
        state="ready",
    )
