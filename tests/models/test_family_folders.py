"""A folder with a tiny model of each family is loaded, admitted and captured."""

import pytest
import torch
from worlds import byte_level, randomise, word_piece

from headscope.capture.admission import admit, eager_pass, rounding_of
from headscope.capture.capture import run
from headscope.capture.certificate import certify
from headscope.models.families import FAMILIES
from headscope.models.heads import base_class
from headscope.models.loading import load
from headscope.records import ModelCard, Prompt

CARD = ModelCard("local:tiny", "tiny", "", "local")
PROMPT = Prompt("The cat sat on the mat. A dog ran to the park, and the cat ran too.")
WINDOW = 4
SIZES = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "max_position_embeddings": 64, "num_key_value_heads": 2, "head_dim": 12, "embedding_size": 16,
    "sliding_window": WINDOW, "num_local_experts": 2, "num_experts_per_tok": 1, "pad_token_id": 0, "bos_token_id": 0,
    "eos_token_id": 0, "n_positions": 64, "n_embd": 32, "n_layer": 2, "n_head": 4, "dim": 32, "n_layers": 2,
    "n_heads": 4, "hidden_dim": 48,
}  # fmt: skip
WORD_PIECES = {"bert", "electra", "distilbert"}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """family -> LoadedModel, each loaded once."""
    models = {}

    def get(family):
        if family not in models:
            folder = tmp_path_factory.mktemp(family)
            config_class = FAMILIES[family].config_class
            sizes = {name: value for name, value in SIZES.items() if name in config_class.__annotations__}
            config = config_class(**sizes, vocab_size=80 if family in WORD_PIECES else 300)
            randomise(base_class(family)(config)).save_pretrained(folder)
            (word_piece if family in WORD_PIECES else byte_level)().save(str(folder / "tokenizer.json"))
            models[family] = load(folder, CARD)
        return models[family]

    return get


@pytest.mark.parametrize("family", FAMILIES)
def test_it_is_loaded_and_admitted(family, tiny):
    card = admit(tiny(family)).card
    assert (card.family, card.layers, card.heads) == (family, 2, 4)
    assert card.kv_heads == (2 if "num_key_value_heads" in FAMILIES[family].config_class.__annotations__ else 4)
    assert max(card.certificate.max_abs_error) <= 1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_a_capture_of_a_text_is_certified(family, tiny):
    model = tiny(family)
    certificate = certify(model, run(model, PROMPT))
    assert max(certificate.max_abs_error) <= 1e-5
    leak = certificate.causal_leak or 0
    assert leak == 0 or (family == "gpt_oss" and leak <= 1e-6)  # its experts compute the tokens together
    if family != "gpt_oss":  # some of its weight goes to sinks
        assert certificate.max_row_sum_error <= 1e-5


@pytest.mark.parametrize("family", ["mistral", "phi3", "gemma2", "gemma3_text", "gpt_oss"])
def test_a_window_is_an_interval_and_no_square(family, tiny):
    model = tiny(family)
    capture = run(model, PROMPT)
    tokens = len(capture.tokens)
    assert tokens > 2 * WINDOW
    rule = capture.layers[0].terms.rule
    assert rule.bits is None
    assert rule.bytes <= 8 * tokens
    keys = range(tokens)
    seen = capture.layers[0].block(range(4), keys, keys) > 0
    distance = torch.arange(tokens)[:, None] - torch.arange(tokens)
    assert torch.equal(seen.any(0), (distance >= 0) & (distance < WINDOW))


def test_the_rounding_of_a_model_with_our_layers_is_measured(tiny):
    """The original modules compute in float64 too, although ours are in their places at other times."""
    model = tiny("llama")
    rounding = rounding_of(model, eager_pass(model, torch.float32), torch.float32)
    assert len(rounding) == 3
    assert all(0 < each < 1e-5 for each in rounding)
