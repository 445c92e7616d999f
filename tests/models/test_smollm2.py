"""The bundled SmolLM2 has the heads that are known of it, and the weights and tokens that transformers reads."""

import random
from pathlib import Path

import pytest
import regex
import torch
from tokenizers.pre_tokenizers import Digits, Sequence
from transformers import AutoTokenizer, LlamaForCausalLM
from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

from headscope.analysis.induction import SCORES, probe
from headscope.capture.admission import admit
from headscope.capture.capture import run
from headscope.capture.certificate import certify
from headscope.models.files import ModelFolder
from headscope.models.gguf_files import open_gguf
from headscope.models.registry import Catalogue, folder_of
from headscope.models.tokens import read_tokenizer
from headscope.records import Prompt

(FILE,) = folder_of(Catalogue().lookup("smollm2")).glob("*.gguf")
LINES = 1000
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def model(loaded):
    return loaded("smollm2")


@pytest.fixture(scope="module")
def probed(model):
    found = probe(model)
    return {score.name: values for score, values in zip(SCORES, found.values, strict=True)}


@pytest.mark.parametrize(("score", "layer", "head"), [("induction", 18, 6), ("previous", 16, 0)])
def test_a_head_is_known_for_what_it_does(probed, score, layer, head):
    assert probed[score][layer, head] >= 0.85
    assert probed[score].argmax() == layer * 9 + head


def test_the_capital_of_france_is_paris(model):
    ids = torch.tensor([model.tokenizer.encode("The capital of France is").ids])
    with torch.inference_mode():
        probabilities = model.adopted.model(ids).logits[0, -1].softmax(-1)
    first, second = probabilities.topk(2).values.tolist()
    assert model.tokenizer.decode([int(probabilities.argmax())]) == " Paris"
    assert first > 0.5 > 5 * second


def test_the_certificate_is_within_1e_5(model):
    certificate = certify(model, run(model, Prompt("The old bird and the young horse went to the river.")))
    assert len(certificate.max_abs_error) == 30
    assert max(certificate.max_abs_error) <= 1e-5
    assert certificate.causal_leak == 0


def test_it_is_admitted_by_the_comparison_with_eager_attention(model):
    assert len(admit(model).card.certificate.max_abs_error) == 30


def test_its_card_has_the_sizes_that_are_known_before_it_is_loaded(model):
    known, found = Catalogue().lookup("smollm2").card, model.card
    for name in ("layers", "heads", "kv_heads", "head_dim", "d_model", "max_tokens", "causal", "pairs", "parameters"):
        assert getattr(found, name) == getattr(known, name), name
    assert found.verified


def test_no_weight_is_in_memory_twice(model):
    stored = {p.untyped_storage().data_ptr(): p.untyped_storage().nbytes() for p in model.adopted.model.parameters()}
    assert sum(stored.values()) == 4 * model.card.parameters


def test_the_weights_are_those_that_transformers_reads(model):
    with torch.device("meta"):
        empty = LlamaForCausalLM(model.adopted.model.config)
    theirs = load_gguf_checkpoint(str(FILE), return_tensors=True, model_to_load=empty)["tensors"]
    ours = {f"layers.{n}.{name}": getattr(layer, f"project_{name}").weight
            for n, layer in enumerate(model.adopted.layers) for name in ("q", "k", "v", "out")}  # fmt: skip
    for name, weight in ours.items():
        _, number, part = name.split(".")
        assert torch.equal(weight, theirs[f"model.layers.{number}.self_attn.{part[0]}_proj.weight"]), name
    assert torch.equal(model.adopted.model.model.embed_tokens.weight, theirs["model.embed_tokens.weight"])


def mixed_text():
    """Lines of documents and of programs, and of characters of many scripts."""
    draw = random.Random(0)
    files = sorted([*ROOT.glob("docs/*.md"), *ROOT.glob("app/models/*.py"), *ROOT.glob("static/js/ui/*.js")])
    lines = [line for file in files for line in file.read_text().splitlines() if line]
    ranges = [(0x20, 0x7E), (0xA0, 0x24F), (0x370, 0x6FF), (0x900, 0xDFF), (0x2000, 0x2BFF), (0x3040, 0x9FFF),
              (0xAC00, 0xD7A3), (0x1F300, 0x1FAFF), (0x30, 0x39), (0x20, 0x20), (0x09, 0x0A)]  # fmt: skip
    characters = ["".join(chr(draw.randint(*draw.choice(ranges))) for _ in range(draw.randint(1, 80)))
                  for _ in range(300)]  # fmt: skip
    return [*draw.sample(lines, LINES - 300), *characters]


def test_the_tokens_of_a_thousand_lines_are_those_of_transformers():
    ours = model_tokenizer()
    theirs = AutoTokenizer.from_pretrained(str(FILE.parent), gguf_file=FILE.name).backend_tokenizer
    lines = mixed_text()
    # transformers does not know the way to split text that the file names, `smollm`: each digit is alone. It gives
    # other tokens only where spaces stand before a digit.
    usual = [line for line in lines if not regex.search(r"\s\p{N}", line)]
    assert len(usual) > 300
    assert [ours.encode(line).ids for line in usual] == [theirs.encode(line).ids for line in usual]
    theirs.pre_tokenizer = Sequence([Digits(individual_digits=True), theirs.pre_tokenizer])
    assert len(lines) == LINES
    assert [ours.encode(line).ids for line in lines] == [theirs.encode(line).ids for line in lines]


def model_tokenizer():
    return read_tokenizer(open_gguf(ModelFolder(FILE.parent, "bundled"), FILE.name).tokenizer)
