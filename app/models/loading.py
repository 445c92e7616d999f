"""A folder of a checkpoint -> model with our attention layers, tokenizer and card. Safetensors only."""

import re
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

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
        return tokenize(self.tokenizer, text, text_pair, pairs=bool(self.card.pairs), most=limit, truncate=truncate)

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
    claim = read_config(folder)
    parameters(folder)
    digest = check_digest(folder, sha256)
    tokenizer = read_tokenizer(require(folder, TOKENIZER))
    check_vocabulary(tokenizer, claim)
    check_device(device)
    model = read_weights(folder, claim).to(torch.device(device))
    return LoadedModel(describe(card, claim, model, digest), claim.adapter, adopt(model, claim.adapter), tokenizer)


def check_vocabulary(tokenizer: Tokenizer, claim: Claim) -> None:
    """Raises WeightsDoNotFit where the tokenizer can make a token that has no embedding."""
    last, rows = max(tokenizer.get_vocab().values(), default=0), claim.config.vocab_size
    if last >= rows:
        raise WeightsDoNotFit(f"tokenizer.json makes tokens up to {last}, config.json has embeddings for 0..{rows - 1}")


def read_weights(folder: Path, claim: Claim) -> PreTrainedModel:
    """The Hugging Face model with exactly these weights: Hugging Face itself fills gaps with random numbers."""
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()  # its report of odd weights is a warning; ours is an error
    try:
        with LOADING:
            model, report = claim.model_class.from_pretrained(
                folder,
                config=claim.config,
                dtype=torch.float32,
                attn_implementation="sdpa",
                use_safetensors=True,
                local_files_only=True,
                ignore_mismatched_sizes=True,  # so that the report names them, and we refuse them
                output_loading_info=True,
            )
    except (RuntimeError, ValueError) as error:
        raise WeightsDoNotFit(f"the weights do not fit config.json: {str(error)[:400]}") from error
    skipped = re.compile("|".join(claim.adapter.skipped))
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


def describe(card: ModelCard, claim: Claim, model: PreTrainedModel, digest: str) -> ModelCard:
    """The card with all that reading the model has told."""
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
