"""The files that a model consists of, told from the names in its folder or in its repository on the hub."""

import re
from collections.abc import Collection

CONFIG, TOKENIZER, WEIGHTS = "config.json", "tokenizer.json", "model.safetensors"
INDEX = f"{WEIGHTS}.index.json"  # of weights in several files
SHARD = re.compile(r"model-(?P<number>\d{5})-of-(?P<of>\d{5})\.safetensors", re.ASCII)
MAX_SHARDS = 256
VOCABULARIES = (("vocab.txt",), ("vocab.json", "merges.txt"))  # of a model without tokenizer.json
TOKENIZER_OPTIONS = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
GGUF = ".gguf"  # the end of the name of a file that is a whole model


def shards_in(names: Collection[str]) -> list[str]:
    """The parts of divided weights, if all of them are there."""
    found = sorted(name for name in names if SHARD.fullmatch(name))
    numbers = [SHARD.fullmatch(name) for name in found]
    wanted = [(number + 1, len(found)) for number in range(len(found))]
    return found if [(int(each["number"]), int(each["of"])) for each in numbers if each] == wanted else []


def weight_files(names: Collection[str]) -> list[str]:
    """The files with the weights; empty if they are not all there."""
    if WEIGHTS in names:
        return [WEIGHTS]
    shards = shards_in(names) if INDEX in names else []
    return [INDEX, *shards] if 0 < len(shards) <= MAX_SHARDS else []


def files_of(names: Collection[str]) -> list[str]:
    """All files of a model, the smallest first; a file that is missing is in the list as well."""
    if CONFIG not in names and (whole := [name for name in names if name.endswith(GGUF)]):
        return whole
    return [CONFIG, *tokenizer_files(names), *(weight_files(names) or [WEIGHTS])]


def tokenizer_files(names: Collection[str]) -> list[str]:
    """tokenizer.json, or the files from which it is built, and those that say more.

    A tokenizer.json that is missing is in the list as well.
    """
    whole = next((files for files in VOCABULARIES if set(files) <= set(names)), (TOKENIZER,))
    return [*((TOKENIZER,) if TOKENIZER in names else whole), *(name for name in TOKENIZER_OPTIONS if name in names)]
