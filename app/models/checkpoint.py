"""Open the files of a model, and check them before any memory is allocated for it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..records import Source
from .checker.process import CHECKER
from .claim import Claim, claim_of, read_fields
from .claimed_sizes import reads_pairs
from .file_names import CONFIG, GGUF, TOKENIZER_OPTIONS
from .file_states import WATCHED, FileStates
from .files import ModelFolder, OpenedFile, open_file
from .fitting import Fit, fit
from .other_formats import refuse_other_formats
from .tokenizer_files import read_tokenizer_files
from .weights import Weights, check_dtypes, open_weights


@dataclass(frozen=True)
class CheckedFiles:
    """The files of a model, opened and checked, but not loaded. Each is read from what was opened, never again by name.

    fit:    which parameter each weight is, and what is left out
    states: of each file, when it was opened
    """

    folder: ModelFolder
    claim: Claim
    config: bytes
    tokenizer: bytes
    weights: Weights
    fit: Fit
    states: FileStates

    def close(self) -> None:
        self.weights.close()


def check_files(path: Path, source: Source = "local") -> CheckedFiles:
    """Open and check the files of the model in that folder; `close` what it answers, or load it.

    Raises a subclass of ModelRefused with the reason: an unsupported family or feature, a file format that can contain
    code, a broken file, a config that does not match the weights. Nothing of the model's size is allocated.
    """
    folder = ModelFolder(path, source)
    if folder.trusted and (file := gguf_in(path)):
        return check_gguf(folder, file)
    config = open_file(folder, CONFIG)
    data = config.read_all()
    raw = read_fields(data, folder)
    claim = None if raw.get("model_type") is None else claim_of(raw, {})
    refuse_other_formats(path)
    tokenizer = read_tokenizer_files(folder)
    weights = open_weights(folder)
    try:
        tensors = weights.tensors
        claim = claim or claim_of(raw, {name: tensor.shape for name, tensor in tensors.items()})
        vocabulary = tokenizer.as_json(claim.model_type)
        if not folder.trusted:
            check_tokenizer(vocabulary, claim)
        found = fit(claim, tensors)
        check_dtypes(weights, found.unused, found.integers)
    except BaseException:
        weights.close()
        raise
    states = watched(folder, (config, *tokenizer.opened, *weights.opened))
    return CheckedFiles(folder, claim, data, vocabulary, weights, found, states)


def watched(folder: ModelFolder, opened: Iterable[OpenedFile]) -> FileStates:
    """The states of the opened files; None for each file that is missing and would be read if it appeared."""
    unread = TOKENIZER_OPTIONS if folder.trusted else ()
    missing = dict.fromkeys(name for name in WATCHED if name not in unread)
    return missing | {each.name: each.state for each in opened}


def gguf_in(path: Path) -> str | None:
    """The name of the file that is the whole model, if the folder has one."""
    return next((file.name for file in path.glob(f"*{GGUF}")), None)


def check_gguf(folder: ModelFolder, name: str) -> CheckedFiles:
    """The same for a model that is one GGUF file."""
    from .gguf_files import open_gguf  # whose package is needed for such a model only

    file = open_gguf(folder, name)
    weights = Weights((file,))
    try:
        claim = claim_of(read_fields(file.config, folder), {})
        found = fit(claim, weights.tensors)
        return CheckedFiles(folder, claim, file.config, file.tokenizer, weights, found, {name: file.opened.state})
    except BaseException:
        weights.close()
        raise


def check_tokenizer(data: bytes, claim: Claim) -> None:
    config = claim.text_config
    segments = getattr(config, "type_vocab_size", 1)
    writes = bool(claim.config.is_encoder_decoder)
    CHECKER.tokenizer(data, embeddings=config.vocab_size, segments=segments, pairs=reads_pairs(claim), writes=writes)
