"""A run of some tokens and then of the others, with the keys and values of before, is the run of all of them."""

from functools import partial

import pytest
import torch
from architectures import ARCHITECTURES, GROUPED, WATCHED, Architecture
from worlds import layer, stream

from headscope.capture.certificate import copied
from headscope.capture.passes import pass_layers
from headscope.errors import UnsupportedModel
from headscope.models.adapter import adopt
from headscope.models.adopting import adopt_by_following, adopt_by_interface
from headscope.models.families import FAMILIES
from headscope.models.interface.attention import NAME
from headscope.models.key_value_cache import new_cache, run_on
from headscope.models.loading import LoadedModel
from headscope.records import ModelCard

IDS = torch.tensor([[5, 9, 33, 7, 8, 21, 40, 9, 5, 17, 12, 60]])
OWN = {
    "gpt2": Architecture(
        "GPT2Config", "GPT2Model", "", {"vocab_size": 64, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}
    ),
    "llama": ARCHITECTURES["llama"],
    "mistral": ARCHITECTURES["mistral"],
    "qwen3": ARCHITECTURES["qwen3"],
    "gemma2": ARCHITECTURES["gemma2"],
    "gpt_oss": ARCHITECTURES["gpt-oss"],
    "gpt_neox": Architecture("GPTNeoXConfig", "GPTNeoXModel", ""),
    "smollm3": Architecture("SmolLM3Config", "SmolLM3Model", "", {**GROUPED, "pad_token_id": 0}),
}
BEHIND_THE_INTERFACE = ("llama", "mistral", "gemma2", "gpt-oss", "llama4", "deepseek", "jamba")
FOLLOWED = ("gpt-j", "bloom", "falcon", "mpt", "gpt-neo")


def own(name):
    return adopt(OWN[name].build(attention=NAME), FAMILIES[name])


def adopted(kind, name):
    if kind == "own":
        return own(name)
    if kind == "interface":
        return adopt_by_interface(ARCHITECTURES[name].build())
    return adopt_by_following(WATCHED[name].build())


MODELS = [
    *[("own", name) for name in OWN],
    *[("interface", name) for name in BEHIND_THE_INTERFACE],
    *[("followed", name) for name in FOLLOWED],
]


def layers_and_state(model, run):
    layers = []
    hidden = pass_layers(model, run, copied, layers.append)
    return layers, hidden


def last_row(layer):
    """[h j] of the last query, without keys that a cache has dropped because no later query attends to them."""
    queries, keys = layer.q.shape[1], layer.k.shape[1]
    return layer.block(range(layer.heads), range(queries - 1, queries), range(keys))[:, 0]


@pytest.mark.parametrize(("kind", "name"), MODELS)
def test_the_last_rows_and_the_last_state_are_those_of_the_whole_run(kind, name):
    found = adopted(kind, name)
    model = LoadedModel(ModelCard("tiny", "", name, "local", stacks=found.stacks(), d_model=32), found, None)
    whole, wanted = layers_and_state(model, partial(found.run, IDS))
    cache = new_cache(found)
    _, first = layers_and_state(model, partial(run_on, found, IDS[:, :9], cache))
    torch.testing.assert_close(first, wanted[:, :9], atol=1e-5, rtol=1e-5)
    for number in range(9, IDS.shape[1]):
        layers, state = layers_and_state(model, partial(run_on, found, IDS[:, number : number + 1], cache))
        torch.testing.assert_close(state, wanted[:, number : number + 1], atol=1e-5, rtol=1e-5)
    for one, all_rows in zip(layers, whole, strict=True):
        assert one.q.shape[1] == 1
        row, of_all = last_row(one), last_row(all_rows)
        kept = row.shape[-1]
        torch.testing.assert_close(row, of_all[:, -kept:], atol=1e-5, rtol=0)
        assert not of_all[:, :-kept].any()


def test_a_window_drops_keys_that_nothing_attends_to_any_more():
    found = own("mistral")
    cache = new_cache(found)
    run_on(found, IDS[:, :10], cache)
    run_on(found, IDS[:, 10:], cache)
    assert {layer.keys.shape[2] for layer in cache.layers} == {3}  # the window of 4 has the next token's own as well


def test_a_model_whose_tokens_attend_to_later_ones_is_refused_with_the_reason():
    found = adopt_by_interface(ARCHITECTURES["roberta"].build())
    with pytest.raises(UnsupportedModel, match="attend to later ones, so a longer text has to be run as a whole"):
        new_cache(found)


def test_a_layer_of_ours_continues_a_sequence():
    ours, known = layer(d_model=24, heads=4, kv_heads=2, causal=True), []

    def remember(k, v):
        known.append((k, v))
        return tuple(torch.cat(each, 2) for each in zip(*known, strict=True))

    parts = [ours(part, remember=remember) for part in stream().split([4, 1, 4], 1)]
    torch.testing.assert_close(torch.cat(parts, 1), ours(stream()), atol=1e-10, rtol=0)
