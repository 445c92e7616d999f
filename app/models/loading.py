"""Load a model from a checkpoint folder: our attention layers, the tokenizer, and the card. Only safetensors."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from threading import Lock

import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import GenerationConfig, PreTrainedModel

from ..errors import CorruptModel
from ..records import NO_PROGRESS, ModelCard, ModelDtype, Progress, Token
from .adapter import adopt, are_in
from .adopted import Adopted
from .adopting import adopt_without_table
from .checkpoint import CheckedFiles, check_files
from .claim import Claim, describing
from .claimed_sizes import most_of_target, most_tokens, reads_pairs
from .conversion import check_report, no_fit
from .data_types import TORCH_DTYPES
from .decoder_input import can_be_read
from .device import check_device
from .encoder_decoders import ENCODER_DECODERS
from .heads import Head
from .integers import check_integers
from .interface.attention import NAME
from .tokenizer_growth import Growth, growth_of
from .tokens import read_tokenizer, tokenize, visible

# transformers patches torch for the whole process while it loads, so two loads at once would disturb each other.
LOADING = Lock()
MAX_NAMES = 20  # on a card: of weights, and of labels
MAX_NAME, MAX_LABEL = 100, 40  # characters of each


@dataclass(frozen=True)
class LoadedModel:
    """A model that is ready to run, and its card. `head` is what it predicts."""

    card: ModelCard
    adopted: Adopted
    tokenizer: Tokenizer
    head: Head = Head()  # noqa: RUF009 - it is frozen

    def tokens(
        self, text: str, text_pair: str | None = None, most: int | None = None, *, truncate: bool = False
    ) -> tuple[tuple[Token, ...], int]:
        """The tokens of a text or a pair of texts, and the number of tokens that were cut off.

        `most` limits the number of tokens; the model's own positions limit it as well.
        Raises TooManyTokens, PairNotSupported, EmptyText, CorruptModel, WeightsDoNotFit.
        """
        limit = min(filter(None, (self.card.max_tokens, most)))
        return tokenize(
            self.tokenizer,
            text,
            text_pair,
            pairs=bool(self.card.pairs),
            most=limit,
            truncate=truncate,
            embeddings=self.adopted.vocabulary,
        )

    def encoder_alone(self) -> "LoadedModel":
        """Of a model with a decoder, the encoder, which reads one text."""
        alone = self.adopted.encoder_alone()
        return replace(self, adopted=alone, card=replace(self.card, stacks=alone.stacks(), max_target=None))

    @cached_property
    def growth(self) -> Growth:
        """How much longer the tokenizer can make a text."""
        return growth_of(self.tokenizer)

    @property
    def device(self) -> torch.device:
        device: torch.device = self.adopted.model.device
        return device


def load(
    folder: Path, card: ModelCard, *, device: str = "cpu", dtype: ModelDtype = "float32", sha256: str | None = None
) -> LoadedModel:
    """Check and load the model in `folder`. Raises what `check_files` and `load_checked` raise."""
    return load_checked(check_files(folder.resolve(), card.source), card, device=device, dtype=dtype, sha256=sha256)


def load_checked(
    checked: CheckedFiles,
    card: ModelCard,
    *,
    device: str = "cpu",
    dtype: ModelDtype = "float32",
    sha256: str | None = None,
    progress: Progress = NO_PROGRESS,
) -> LoadedModel:
    """Load a model with our attention layers. Closes the files.

    sha256: of the weights, if it is known; the cache of the hub knows it as well.
    Raises CorruptModel, WeightsDoNotFit, DeviceMissing, and what `Progress.check` raises.
    """
    try:
        check_device(device)
        tokenizer = read_tokenizer(checked.tokenizer)
        weights, digest, verified = read_weights(checked, dtype, sha256, progress)
    finally:
        checked.close()
    check_integers(weights, checked.claim.text_config, checked.fit.integers)
    model = build(checked, weights, dtype).to(torch.device(device))
    with describing():
        adopted = adopt_claimed(model, checked.claim)
        if adopted.reads_target and not can_be_read(adopted):
            adopted = adopted.encoder_alone()
        described = replace(describe(card, checked, adopted, digest), dtype=dtype, verified=verified)
    return LoadedModel(described, adopted, tokenizer, checked.fit.head)


def adopt_claimed(model: PreTrainedModel, claim: Claim) -> Adopted:
    """With our own layers, if there is a table for the model. Raises UnsupportedModel."""
    if claim.adapter is not None:
        return adopt(model, claim.adapter)
    # An encoder may have been saved without its decoder.
    places = [place for place in ENCODER_DECODERS.get(claim.model_type, ()) if are_in(model, (place,))]
    if places:
        model.set_attn_implementation(NAME)
        return adopt(model, *places)
    return adopt_without_table(model)


def read_weights(
    checked: CheckedFiles, dtype: ModelDtype, sha256: str | None, progress: Progress
) -> tuple[dict[str, Tensor], str, bool]:
    """The weights that the model uses, a hash of all files with weights, and whether each had the known hash."""
    weights: dict[str, Tensor] = {}
    digests, known = [], []
    usual = TORCH_DTYPES[dtype]

    def dtype_of(name: str) -> torch.dtype:
        return torch.float32 if name in checked.fit.wide else usual

    for file in checked.weights.files:
        wanted = sha256 or file.opened.sha256
        found, digest = file.read(checked.fit.unused, progress, dtype_of)
        if wanted not in (None, digest):
            on_hub = checked.folder.source == "hub"
            way_out = "remove the model from the cache (`hf cache rm`)" if on_hub else "install it again"
            raise CorruptModel(f"{file.opened.name} has sha256 {digest}, the published file has {wanted}: {way_out}")
        weights |= found
        digests.append(digest)
        known.append(wanted is not None)
    joined = digests[0] if len(digests) == 1 else hashlib.sha256(" ".join(digests).encode()).hexdigest()
    return weights, joined, all(known)


def build(checked: CheckedFiles, weights: dict[str, Tensor], dtype: ModelDtype = "float32") -> PreTrainedModel:
    """The Hugging Face model with exactly these weights, which are not copied. Raises WeightsDoNotFit."""
    try:
        with LOADING:
            model, report = checked.fit.model_class.from_pretrained(
                None,
                config=checked.claim.config,
                state_dict={checked.fit.names[name]: weight for name, weight in weights.items()},
                dtype=TORCH_DTYPES[dtype],
                attn_implementation=NAME if checked.claim.adapter else "eager",  # ours: masks arrive as intervals
                ignore_mismatched_sizes=True,  # the report names them, and they are refused below
                output_loading_info=True,
                **checked.fit.options,
            )
    except (RuntimeError, ValueError, TypeError) as error:
        raise no_fit(error) from error
    check_report(report)
    if model.can_generate():  # of config.json, only what `greedy` reads has an effect on what a model writes
        model.generation_config = GenerationConfig()
    return model


def describe(card: ModelCard, checked: CheckedFiles, adopted: Adopted, digest: str) -> ModelCard:
    """The card with the sizes of the loaded model."""
    model, stacks = adopted.model, adopted.stacks()
    shown = [layer for layer in stacks[0].layers if layer.attention]
    return ModelCard(
        id=card.id,
        title=card.title,
        family=checked.claim.model_type,
        source=card.source,
        revision=card.revision or revision_of(checked, digest),
        layers=len(stacks[0].layers),
        heads=max(layer.heads for layer in shown),
        kv_heads=max(layer.kv_heads for layer in shown),
        head_dim=max(layer.head_dim for layer in shown),
        d_model=checked.claim.text_config.hidden_size,
        max_tokens=most_tokens(checked.claim, adopted),
        causal=stacks[0].causal,
        pairs=reads_pairs(checked.claim),
        parameters=model.num_parameters(),
        stacks=stacks,
        prediction=checked.fit.head.prediction,
        labels=first_names(checked.fit.head.labels, MAX_LABEL),
        max_target=most_of_target(adopted),
        ignored=first_names(checked.fit.ignored, MAX_NAME),
        projections=bool(adopted.layers),
        work_bytes=adopted.work_bytes,
        state="ready",
    )


def first_names(names: Sequence[str], longest: int) -> tuple[str, ...]:
    """The first names, as they can be shown, and how many more there are."""
    shown = [visible(name[:longest], unchanged=" ") for name in names[:MAX_NAMES]]
    return (*shown, f"and {len(names) - MAX_NAMES} more") if len(names) > MAX_NAMES else tuple(shown)


def revision_of(checked: CheckedFiles, digest: str) -> str:
    """Names all that decides the numbers: the weights, and for models that are not bundled also the other two files."""
    if checked.folder.trusted:
        return digest[:12]
    others = (hashlib.sha256(data).hexdigest() for data in (checked.config, checked.tokenizer))
    return hashlib.sha256(" ".join([digest, *others]).encode()).hexdigest()[:12]
