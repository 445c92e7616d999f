"""Read the files of a model's tokenizer: tokenizer.json, or what it is built from."""

from dataclasses import dataclass

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
        """The content of a tokenizer.json. Raises CorruptModel."""
        if TOKENIZER in self.contents:
            return self.contents[TOKENIZER]
        return CHECKER.built_tokenizer({name: text_of(name, data) for name, data in self.contents.items()}, model_type)


def read_tokenizer_files(folder: ModelFolder) -> TokenizerFiles:
    """Raises CorruptModel."""
    known = {TOKENIZER, *TOKENIZER_OPTIONS, *(name for names in VOCABULARIES for name in names), *SENTENCEPIECE}
    present = {name for name in known if (folder.path / name).exists()}
    names = tokenizer_files(present)
    if names == [TOKENIZER] and TOKENIZER not in present and (found := present & set(SENTENCEPIECE)):
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
