"""Files of models as a hostile or careless writer would make them."""

import json
import os

from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from transformers import AutoConfig, AutoModel
from worlds import byte_level

from headscope.models import weights

CONFIG, TOKENIZER, WEIGHTS = FILES = ("config.json", "tokenizer.json", "model.safetensors")


def split_weights(folder):
    """The header of the weights as an object, and the bytes after it."""
    data = (folder / WEIGHTS).read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    return json.loads(data[8:end]), data[end:]


def write_weights(folder, header, data):
    """`header`: an object, or bytes."""
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    (folder / WEIGHTS).write_bytes(len(header).to_bytes(8, "little") + header + data)


def change_weights(folder, change):
    """Save the weights again after `change` of the dictionary of tensors."""
    stored = load_file(folder / WEIGHTS)
    change(stored)
    save_file(stored, folder / WEIGHTS)


def memory_of_weights(monkeypatch):
    """The addresses of the memory that weights are read into from now on; the set grows."""
    places, read_tensor = set(), weights.read_tensor

    def remember(*given):
        weight = read_tensor(*given)
        places.add(weight.untyped_storage().data_ptr())
        return weight

    monkeypatch.setattr(weights, "read_tensor", remember)
    return places


def write_unseen(path):
    """Other content of the same size in the same file, whose time is set back."""
    before = path.stat()
    while path.stat().st_ctime_ns == before.st_ctime_ns:  # the clock of a file system has coarse steps
        path.write_text(path.read_text().replace("1", "2", 1))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def other_mode(path):
    path.chmod(path.stat().st_mode ^ 0o004)


def bytes_in_memory(folder):
    """What a loaded model counts for: its weights in float32, its buffers, and 15 times its tokenizer.json."""
    buffers = AutoModel.from_config(AutoConfig.from_pretrained(folder)).buffers()
    return (
        bytes_of_weights(folder) + sum(buffer.nbytes for buffer in buffers) + 15 * (folder / TOKENIZER).stat().st_size
    )


def bytes_of_weights(folder):
    """In float32."""
    return 4 * sum(weight.numel() for weight in load_file(folder / WEIGHTS).values())


def data_of(tokenizer):
    return tokenizer.to_str().encode()


def check_tokenizer(checker, tokenizer, embeddings=300, segments=2, pairs=False, **options):
    data = tokenizer if isinstance(tokenizer, bytes) else data_of(tokenizer)
    checker.tokenizer(data, embeddings=embeddings, segments=segments, pairs=pairs, **options)


def gpt2_tokenizer(**parts):
    """The tokenizer of the tiny GPT-2 with other parts."""
    tokenizer = Tokenizer.from_str(byte_level().to_str())
    for name, part in parts.items():
        setattr(tokenizer, name, part)
    return tokenizer


def slow_tokenizer():
    """Reading its added tokens takes ten seconds."""
    fixed = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    added = [{"id": n, "content": f"{n:05}" + "abcdefghij" * 90, **fixed} for n in range(10_000)]
    whole = json.loads(data_of(gpt2_tokenizer())) | {"added_tokens": added}
    return json.dumps(whole).encode()


def template(single, pair="$A $B", **ids):
    return TemplateProcessing(single=single, pair=pair, special_tokens=list(ids.items()))
