"""Read the files of a model's tokenizer: tokenizer.json, or what it is built from."""

import os
from dataclasses import dataclass

from transformers.models.auto.tokenization_auto import (
    MODELS_WITH_INCORRECT_HUB_TOKENIZER_CLASS,
    TOKENIZER_MAPPING_NAMES,
)

from ..errors import CorruptModel
from .checker.process import CHECKER
from .file_names import TOKENIZER, TOKENIZER_OPTIONS, VOCABULARIES, tokenizer_files
from .files import ModelFolder, OpenedFile, open_file

SENTENCEPIECE = ("spiece.model", "tokenizer.model", "sentencepiece.bpe.model")
CONVERT = (
    "python -c \"from transformers import AutoTokenizer; AutoTokenizer.from_pretrained('.').save_pretrained('.')\" "
    "(it needs the package sentencepiece)"
)


@dataclass(frozen=True)
class TokenizerFiles:
    """What was read, by the name of the file."""

    opened: list[OpenedFile]
    contents: dict[str, bytes]

    def as_json(self, model_type: str) -> bytes:
        """The content of a tokenizer.json that makes the tokens of `AutoTokenizer`. Raises CorruptModel."""
        stored = self.contents.get(TOKENIZER)
        if stored is not None and len(self.contents) == 1:
            return stored
        texts = {name: text_of(name, data) for name, data in self.contents.items()}
        registered = TOKENIZER_MAPPING_NAMES.get(model_type)
        fixed = model_type in MODELS_WITH_INCORRECT_HUB_TOKENIZER_CLASS
        built = CHECKER.built_tokenizer(texts, model_type, registered, fixed=fixed)
        return built if built is not None else stored or b""


def read_tokenizer_files(folder: ModelFolder) -> TokenizerFiles:
    """Raises CorruptModel."""
    known = {TOKENIZER, *TOKENIZER_OPTIONS, *(name for names in VOCABULARIES for name in names), *SENTENCEPIECE}
    present = {name for name in known if os.path.lexists(folder.path / name)}  # `open_file` refuses broken links
    if folder.trusted:  # it is bundled with a tokenizer.json that says all
        present -= set(TOKENIZER_OPTIONS)
    names = tokenizer_files(present)
    if TOKENIZER in names and TOKENIZER not in present and (found := present & set(SENTENCEPIECE)):
        raise CorruptModel(
            f"{TOKENIZER} is missing, and {min(found)} is not read. In the folder of the model, run: {CONVERT}"
        )
    opened = [open_file(folder, name) for name in names]
    return TokenizerFiles(opened, {each.name: each.read_all() for each in opened})


def text_of(name: str, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise CorruptModel(f"{name} is not UTF-8: byte {error.start}") from error
