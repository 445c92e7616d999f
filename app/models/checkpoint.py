"""Check config.json and the header of the weights file before any memory is allocated for the model."""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import PretrainedConfig, PreTrainedModel

from ..errors import AppError, UnsafeFormat, UnsupportedModel, WeightsDoNotFit
from ..records import Source
from .adapter import Adapter
from .checker.process import CHECKER
from .config_sizes import invalid_field, invalid_probability, invalid_size, shown
from .families import FAMILIES
from .file_states import CONFIG, TOKENIZER, WEIGHTS, FileStates
from .files import ModelFolder, open_file, reading
from .header import StoredTensor
from .json_files import parse_object
from .parameter_names import ParameterNames
from .weights import WeightsFile, check_dtypes, open_weights

# Fields that change the code or the weights of a model in ways that the table of its family does not describe.
REFUSED = {
    "auto_map": "it names code of the model, which is never run",
    "quantization_config": "quantized weights are not supported",
}
MAX_SKIPPED_BYTES = 2**26  # of weights that are skipped, and as many again as there are of those that are used


@dataclass(frozen=True)
class Claim:
    """What config.json says about the model."""

    adapter: Adapter
    config: PretrainedConfig
    model_class: type[PreTrainedModel]


@dataclass(frozen=True)
class CheckedFiles:
    """The files of a model, opened and checked, but not loaded. Each is read from what was opened, never again by name.

    ignored:    the weights in the file that the model does not have, and that the table of its family skips
    parameters: of the model that config.json describes, or in the file if there are more of them
    states:     of each file, when it was opened
    """

    folder: ModelFolder
    claim: Claim
    config: bytes
    tokenizer: bytes
    weights: WeightsFile
    ignored: frozenset[str]
    parameters: int
    states: FileStates

    def close(self) -> None:
        self.weights.close()


def check_files(path: Path, source: Source = "local") -> CheckedFiles:
    """Open and check the files of the model in that folder; `close` what it answers, or load it.

    Raises a subclass of ModelRefused with the reason: an unsupported family or feature, a file format that can contain
    code, a broken file, a config that does not match the weights. Nothing of the model's size is allocated.
    """
    folder = ModelFolder(path, source)
    config = open_file(folder, CONFIG)
    data = config.read_all()
    claim = claim_of(data, folder)
    tokenizer = open_file(folder, TOKENIZER)
    vocabulary = tokenizer.read_all()
    if not folder.trusted:
        segments = getattr(claim.config, "type_vocab_size", 1)
        pairs = claim.adapter.pairs(claim.config)
        CHECKER.tokenizer(vocabulary, embeddings=claim.config.vocab_size, segments=segments, pairs=pairs)
    refuse_pickles(path)
    weights = open_weights(folder)
    try:
        model = on_meta(claim)
        names = ParameterNames(model)
        ignored = ignored_names(claim, names, weights)
        used = [tensor for tensor in weights.tensors if tensor.name not in ignored]
        names.refuse_repeated(tensor.name for tensor in used)
        check_dtypes(weights, ignored)
        most = parameters(model, used)
        names.refuse_others(used)
    except BaseException:
        weights.close()
        raise
    opened = (config, tokenizer, weights.opened)
    states = {each.name: each.state for each in opened}
    return CheckedFiles(folder, claim, data, vocabulary, weights, ignored, most, states)


def read_config(path: Path, source: Source = "local") -> Claim:
    """Read and check config.json as data; no code that it names is run. Raises CorruptModel, UnsupportedModel."""
    folder = ModelFolder(path, source)
    return claim_of(open_file(folder, CONFIG).read_all(), folder)


def claim_of(data: bytes, folder: ModelFolder) -> Claim:
    raw = parse_object(data, CONFIG) if folder.trusted else CHECKER.config(data, CONFIG)
    adapter, model_class = read_architecture(raw)
    reason = invalid_field(raw, adapter)
    if reason is None:
        with describing():
            config = adapter.config_class.from_dict({name: raw[name] for name in raw if name in adapter.fields})
            reason = invalid_size(config) or invalid_probability(config) or adapter.refusal(config)
    if reason is not None:
        raise UnsupportedModel(reason)
    return Claim(adapter, config, model_class)


@contextmanager
def describing() -> Iterator[None]:
    """Convert an error of transformers or torch, which raise many classes for a wrong config, to UnsupportedModel."""
    try:
        yield
    except AppError:
        raise
    except Exception as error:
        raise UnsupportedModel(f"{CONFIG} describes no model: {' '.join(str(error).split())[:300]}") from error


def read_architecture(raw: dict[str, Any]) -> tuple[Adapter, type[PreTrainedModel]]:
    """The family, and the class that implements the architecture. Raises UnsupportedModel."""
    adapter = FAMILIES.get(str(raw.get("model_type")))
    if adapter is None:
        raise UnsupportedModel(
            f"model_type {shown(raw.get('model_type'))}: this version supports {', '.join(FAMILIES)}"
        )
    for name, reason in REFUSED.items():
        if raw.get(name):
            raise UnsupportedModel(f"{CONFIG} has {name}: {reason}")
    named = raw.get("architectures")
    architecture = str(named[0])[:80] if isinstance(named, list) and named else "none"
    model_class = adapter.classes.get(architecture)
    if model_class is None:
        raise UnsupportedModel(
            f"architecture {architecture!r}: of {adapter.family}, {', '.join(adapter.classes)} are supported"
        )
    return adapter, model_class


def on_meta(claim: Claim) -> PreTrainedModel:
    """The model that config.json describes, without memory for its weights. Raises UnsupportedModel."""
    with describing(), torch.device("meta"):
        return claim.model_class(claim.config)


def ignored_names(claim: Claim, names: ParameterNames, weights: WeightsFile) -> frozenset[str]:
    """The weights in the file that are on the list of those that are skipped, and that the model does not have.

    Raises WeightsDoNotFit if they are much larger than the model: all of a file is read, because its hash is computed.
    """
    patterns = [re.compile(pattern) for pattern in claim.adapter.skipped]
    listed = [each for each in weights.tensors if any(pattern.fullmatch(each.name) for pattern in patterns)]
    ignored = frozenset(each.name for each in listed if each.name not in names)
    skipped = sum(each.bytes for each in listed if each.name in ignored)
    most = MAX_SKIPPED_BYTES + sum(each.bytes for each in weights.tensors) - skipped
    if skipped > most:
        raise WeightsDoNotFit(
            f"{WEIGHTS} has {skipped:,} bytes of weights that the model does not use: at most {most:,} are skipped"
        )
    return ignored


def parameters(model: PreTrainedModel, used: Collection[StoredTensor]) -> int:
    """The number of parameters of the model that config.json describes, or of those in the file if there are more.

    Raises WeightsDoNotFit if one is far more than the other: both would be allocated before they are compared.
    """
    described = int(model.num_parameters())
    stored = sum(tensor.numel for tensor in used)
    # A file may have weights twice that the model shares, or lack such weights.
    if described > 2 * stored or stored > 2 * described:
        raise WeightsDoNotFit(f"{CONFIG} describes {described:,} parameters, {WEIGHTS} has {stored:,}")
    return max(described, stored)


def refuse_pickles(path: Path) -> None:
    """Raises UnsafeFormat if the only weights are in a format that can contain code."""
    with reading(WEIGHTS):
        pickled = not (path / WEIGHTS).exists() and any(path.glob("*.bin"))
    if pickled:
        raise UnsafeFormat(f"the weights are pickled, which can run code: convert them to {WEIGHTS}")
