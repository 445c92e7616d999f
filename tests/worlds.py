"""What tests share: tensors, layers, tiny models, clients and servers."""

import re
import socket
import threading
import time
from contextlib import contextmanager

import httpx2
import numpy as np
import torch
from fastapi.testclient import TestClient
from tokenizers import ByteLevelBPETokenizer, Tokenizer
from tokenizers.decoders import WordPiece as WordPieceDecoder
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import BertProcessing
from transformers import BertConfig, BertForMaskedLM, BertModel, GPT2Config, GPT2LMHeadModel

from headscope.attention.config import AttentionConfig
from headscope.attention.layer import MultiHeadAttention
from headscope.capture.windows import head_window, whole
from headscope.errors import AppError, ClientsGone
from headscope.main import create_app
from headscope.web.server import Server


def qkv(batch=2, heads=4, kv_heads=4, queries=9, keys=9, width=8, dtype=torch.float64, seed=0):
    make = torch.Generator().manual_seed(seed)
    q = torch.randn(batch, heads, queries, width, dtype=dtype, generator=make)
    k, v = (torch.randn(batch, kv_heads, keys, width, dtype=dtype, generator=make) for _ in range(2))
    return q, k, v


def layer(d_model=24, heads=4, dtype=torch.float64, seed=0, **options):
    """A layer with random parameters: torch initialises biases to small values, which would hide a forgotten one."""
    made = MultiHeadAttention(AttentionConfig.of(d_model, heads, **options)).to(dtype)
    make = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=make, dtype=dtype) / 3)
    return made


def stream(batch=2, length=9, width=24, dtype=torch.float64, seed=1):
    return torch.randn(batch, length, width, dtype=dtype, generator=torch.Generator().manual_seed(seed))


SENTENCES = ["The cat sat on the mat.", "A dog ran to the park, and the cat ran too.", "Grüße aus dem Süden!"]


def randomise(model, seed=0):
    """Randomise *every* parameter: Hugging Face initialises biases to 0, which would hide a forgotten one."""
    make = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=make) * 0.3)
    return model


def word_piece():
    """A BERT tokenizer over the words of SENTENCES and all their characters."""
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = set(re.findall(r"\w+", " ".join(SENTENCES).lower()))
    letters = set("".join(SENTENCES).lower()) - {" "}
    pieces += sorted(words | letters | {f"##{letter}" for letter in letters})
    tokenizer = Tokenizer(WordPiece({piece: n for n, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer()
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.decoder = WordPieceDecoder()
    tokenizer.add_special_tokens(pieces[:5])
    return tokenizer


def byte_level():
    """A GPT-2 tokenizer: bytes and a few merges."""
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(SENTENCES, 300, min_frequency=1, special_tokens=["<|endoftext|>"])
    return tokenizer


def tiny_bert(**changes):
    sizes = {"vocab_size": 80, "hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 4}
    return BertConfig(**{**sizes, "intermediate_size": 32, "max_position_embeddings": 40, **changes})


def tiny_gpt2(**changes):
    sizes = {"vocab_size": 300, "n_embd": 24, "n_layer": 3, "n_head": 4, "n_positions": 40}
    return GPT2Config(**{**sizes, "bos_token_id": 0, "eos_token_id": 0, **changes})


TINY = {
    "bert": (tiny_bert, BertModel, word_piece),
    "bert-masked": (tiny_bert, BertForMaskedLM, word_piece),
    "gpt2": (tiny_gpt2, GPT2LMHeadModel, byte_level),
}


def write_tiny(folder, kind, **changes):
    """A folder with config.json, model.safetensors and tokenizer.json."""
    config, model_class, tokenizer = TINY[kind]
    randomise(model_class(config(**changes))).save_pretrained(folder)
    tokenizer().save(str(folder / "tokenizer.json"))
    return folder


def whole_maps(capture, layers, heads, quantity="pattern"):
    """[layer head query key], from whole maps."""
    full = whole(capture)
    return np.array([[head_window(capture, l, h, full, quantity=quantity) for h in heads] for l in layers])


def serving(settings, **options):
    """A client of the application with these settings, under an allowed host name."""
    return TestClient(create_app(settings), base_url="http://localhost", **options)


@contextmanager
def running(app, settings, log_level="critical"):
    """The address of a live server, and the server."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(app, settings.model_copy(update={"log_level": log_level}))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", server
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def live(settings):
    """The address of a live server that has loaded its default model."""
    with running(create_app(settings), settings) as (address, _):
        while httpx2.get(f"{address}/readyz", timeout=60).status_code != 200:
            time.sleep(0.05)
        yield address


def until(true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not true after {seconds} s"
        time.sleep(0.01)


def disconnect_when(true, url, path, body, headers=None):
    """Post the body, or get the path if there is none, and disconnect as soon as `true()` is true."""
    method = "GET" if body is None else "POST"
    request = httpx2.Request(method, f"{url}{path}", json=body, headers=headers)
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers.items()), "", ""]
    with socket.create_connection((request.url.host, request.url.port)) as client:
        client.sendall("\r\n".join(lines).encode() + request.content)
        until(true)


class CountedProgress:
    """A `records.Progress` that counts, and raises ClientsGone at check number `stop_at`, from 0."""

    def __init__(self, stop_at=None):
        self.stop_at, self.checks, self.steps, self.total = stop_at, 0, 0, None

    def check(self):
        if self.checks == self.stop_at:
            raise ClientsGone
        self.checks += 1

    def expect(self, total):
        self.total = total

    def step(self, count=1):
        self.steps += count


def every_error(above=AppError):
    """That error class and all its subclasses."""
    return [above, *(error for child in above.__subclasses__() for error in every_error(child))]
