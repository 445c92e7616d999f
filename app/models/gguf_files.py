"""A model in one GGUF file, the format of llama.cpp: its sizes, tokenizer and weights as those of a Llama.

The file of a bundled model only: its parts are parsed before its hash is known.
"""

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
import torch
from gguf import GGUFReader, ReaderTensor, dequantize
from tokenizers import AddedToken, Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence
from torch import Tensor

from ..errors import CorruptModel
from ..records import NO_PROGRESS, Progress
from .files import ModelFolder, OpenedFile, open_file, reading
from .header import StoredTensor
from .weights import DtypeOf, in_float32

Numbers = np.ndarray[Any, np.dtype[Any]]

BLOCK = 2**20
NUMBERS_AT_ONCE = 2**21  # that are dequantised; gguf needs some times their memory
CONTROL_TOKEN = 3
SIZES = {
    "vocab_size": "vocab_size",
    "hidden_size": "embedding_length",
    "intermediate_size": "feed_forward_length",
    "num_hidden_layers": "block_count",
    "num_attention_heads": "attention.head_count",
    "num_key_value_heads": "attention.head_count_kv",
    "max_position_embeddings": "context_length",
    "rope_theta": "rope.freq_base",
    "rms_norm_eps": "attention.layer_norm_rms_epsilon",
}
MODULES = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
IN_PAIRS = ("attn_q", "attn_k")  # their rows are stored in another order than transformers has
BLOCK_NAME = re.compile(r"blk\.(\d+)\.(\w+)\.weight")


@dataclass(frozen=True)
class GgufFile:
    """An open GGUF file."""

    opened: OpenedFile
    reader: GGUFReader

    def value(self, key: str) -> Any:
        """The value of a field. Raises CorruptModel."""
        field = self.reader.get_field(key)
        if field is None:
            raise CorruptModel(f"{self.opened.name} has no field {key}: install its package again")
        return field.contents()

    @cached_property
    def config(self) -> bytes:
        """What config.json says of such a model."""
        sizes = {name: self.value(f"llama.{key}") for name, key in SIZES.items()}
        tied = not any(tensor.name == "output.weight" for tensor in self.reader.tensors)
        ids = {f"{kind}_token_id": self.value(f"tokenizer.ggml.{kind}_token_id") for kind in ("bos", "eos")}
        known = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "tie_word_embeddings": tied}
        return json.dumps({**known, **sizes, **ids}).encode()

    @cached_property
    def tokenizer(self) -> bytes:
        """What tokenizer.json says: byte-level BPE, in which each digit is a token (`smollm` in llama.cpp)."""
        kind = self.value("tokenizer.ggml.model"), self.value("tokenizer.ggml.pre")
        if kind != ("gpt2", "smollm"):
            raise CorruptModel(f"{self.opened.name} has a tokenizer of the kind {kind}, only gpt2 with smollm is read")
        tokens = self.value("tokenizer.ggml.tokens")
        merges = [(left, right) for left, _, right in (m.partition(" ") for m in self.value("tokenizer.ggml.merges"))]
        made = Tokenizer(self.bpe({token: number for number, token in enumerate(tokens)}, merges))
        made.pre_tokenizer = Sequence([Digits(individual_digits=True), ByteLevel(add_prefix_space=False)])
        made.decoder = ByteLevelDecoder()
        control = zip(tokens, self.value("tokenizer.ggml.token_type"), strict=True)
        made.add_special_tokens(
            [AddedToken(token, normalized=False, special=True) for token, kind in control if kind == CONTROL_TOKEN]
        )
        return made.to_str().encode()

    def bpe(self, vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> BPE:
        try:
            return BPE(vocabulary, merges)
        except Exception as error:
            raise CorruptModel(f"the merges of {self.opened.name} do not fit its tokens: {error}") from error

    @cached_property
    def tensors(self) -> list[StoredTensor]:
        """The weights by their names in transformers; `start` and `stop` are places in the file."""
        return [
            StoredTensor(name_of(each), "F32", shape_of(each), each.data_offset, each.data_offset + each.n_bytes)
            for each in self.reader.tensors
        ]

    def read(
        self, ignored: Collection[str] = (), progress: Progress = NO_PROGRESS, dtype: DtypeOf = in_float32
    ) -> tuple[dict[str, Tensor], str]:
        """The weights without those that are ignored, and the SHA-256 of the file, which is closed.

        Raises CorruptModel, and what `Progress.check` raises.
        """
        with reading(self.opened.name), self.opened.file:
            digest = sha256_of(self.opened, progress.check)
            used = [each for each in self.reader.tensors if name_of(each) not in ignored]
            return {name_of(each): self.weight(each, progress.check, dtype(name_of(each))) for each in used}, digest

    def weight(self, tensor: ReaderTensor, check: Callable[[], None], dtype: torch.dtype) -> Tensor:
        """A weight, without a second copy of it."""
        weight = torch.empty(shape_of(tensor), dtype=dtype)
        target, height = weight, 1
        if any(f".{name}." in tensor.name for name in IN_PAIRS):
            height = int(self.value("llama.rope.dimension_count"))
            target = in_pairs(target, height)
        for start, numbers in dequantised(tensor, height, check):
            part = target[start // height : (start + len(numbers)) // height]
            writable = numbers if numbers.flags.writeable else numbers.copy()  # torch takes no other memory
            part.copy_(torch.from_numpy(writable).view(part.shape))
        return weight


def open_gguf(folder: ModelFolder, name: str) -> GgufFile:
    """Raises CorruptModel."""
    opened = open_file(folder, name)
    try:
        return GgufFile(opened, GGUFReader(opened.file))  # type: ignore[arg-type] # what numpy maps may be a file
    except Exception as error:
        opened.file.close()
        raise CorruptModel(f"{name} cannot be read: install its package again ({str(error)[:200]})") from error


def name_of(tensor: ReaderTensor) -> str:
    """The name in transformers. Raises CorruptModel."""
    block = BLOCK_NAME.fullmatch(tensor.name)
    module = MODULES.get(block[2] if block else tensor.name.removesuffix(".weight"))
    if module is None:
        raise CorruptModel(f"the tensor {tensor.name[:200]!r} is not known: install the package of the model again")
    return f"model.layers.{block[1]}.{module}.weight" if block else f"{module}.weight"


def shape_of(tensor: ReaderTensor) -> tuple[int, ...]:
    """[out, in] or [out]: GGUF names the last axis first."""
    return tuple(int(size) for size in reversed(tensor.shape))


def in_pairs(weight: Tensor, head_dim: int) -> Tensor:
    """[(h d) m] -> [h r 2 m], a view in the order of llama.cpp: two numbers that are turned together are neighbours.

    transformers has the first numbers of all pairs of a head, then the second ones.
    """
    rows, width = weight.shape
    return weight.view(rows // head_dim, 2, head_dim // 2, width).transpose(1, 2)


def dequantised(tensor: ReaderTensor, unit: int, check: Callable[[], None]) -> Iterator[tuple[int, Numbers]]:
    """The rows of a tensor in float32, in blocks of a multiple of `unit`, each with the number of its first row."""
    height = max(1, NUMBERS_AT_ONCE // (prod(shape_of(tensor)[1:]) * unit)) * unit
    for start in range(0, len(tensor.data), height):
        check()
        yield start, dequantize(tensor.data[start : start + height], tensor.tensor_type)


def sha256_of(opened: OpenedFile, check: Callable[[], None]) -> str:
    """Raises CorruptModel if the file changes meanwhile."""
    digest, count = hashlib.sha256(), 0
    opened.file.seek(0)
    while block := opened.file.read(BLOCK):
        check()
        digest.update(block)
        count += len(block)
    opened.check_unchanged(count)
    return digest.hexdigest()
