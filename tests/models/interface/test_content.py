"""The bias by content of DeBERTa, followed from products with positions to a form without squares."""

import pytest
import torch
from architectures import SIZES, Architecture, inputs_of

from headscope.attention.bias import ByContent
from headscope.attention.core import Core
from headscope.attention.hooks import watching
from headscope.capture.admission import admit
from headscope.errors import UnsupportedModel
from headscope.models.adopting import adopt_without_table
from headscope.models.interface.content import LazyContent, by_distance
from headscope.models.interface.following import Following
from headscope.models.loading import LoadedModel
from headscope.records import ModelCard

RELATIVE = {**SIZES, "relative_attention": True, "max_relative_positions": 16}
BOTH = {"pos_att_type": ["c2p", "p2c"]}
V1, V2 = ("DebertaConfig", "DebertaModel"), ("DebertaV2Config", "DebertaV2Model")
KINDS = {
    "both": (*V2, {**BOTH, "position_buckets": 8}),
    "both without buckets": (*V2, BOTH),
    "positions by the projections of content": (*V2, {**BOTH, "position_buckets": 8, "share_att_key": True}),
    "content to position": (*V2, {"pos_att_type": ["c2p"], "position_buckets": 8}),
    "position to content": (*V2, {"pos_att_type": ["p2c"], "position_buckets": 8}),
    "first version": (*V1, BOTH),
    "first version, content to position": (*V1, {"pos_att_type": ["c2p"]}),
}


def run(config, model, sizes):
    """The model, and the terms of its layers."""
    adopted = adopt_without_table(Architecture(config, model, "", {**RELATIVE, **sizes}).build())
    seen = []
    with watching(adopted.model, "terms", lambda _, terms: seen.append(terms)), torch.inference_mode():
        adopted.run(inputs_of(adopted.model)["input_ids"])
    return adopted, seen


def admitted(adopted):
    card = ModelCard("tiny", "", "deberta", "local", stacks=adopted.stacks(), d_model=32)
    return admit(LoadedModel(card, adopted, tokenizer=None))


@pytest.mark.parametrize("name", KINDS)
def test_the_bias_is_kept_by_content_and_every_pattern_is_that_of_eager_attention(name):
    adopted, seen = run(*KINDS[name])
    assert len(seen) == 2
    for terms in seen:
        assert isinstance(terms.bias, ByContent)
        assert terms.squares == []
        assert (terms.bias.of_keys is None, terms.bias.of_queries is None) == (
            name == "position to content", "content to position" in name
        )  # fmt: skip
    assert max(admitted(adopted).card.certificate.max_abs_error) <= 1e-6


def test_a_model_that_mixes_its_heads_is_not_shown():
    with pytest.raises(UnsupportedModel, match="no softmax attention that can be shown"):
        run(*V1, {**BOTH, "talking_head": True})


def test_an_index_by_distance_is_found_and_no_other():
    distances = torch.arange(7)[None, :] - torch.arange(5)[:, None]  # c - r
    found = by_distance(distances.clamp(-2, 3) + 2)
    assert found.tolist() == [0, 0, 0, 1, 2, 3, 4, 5, 5, 5, 5]
    other = distances.clone()
    other[3, 2] += 1
    assert by_distance(other) is None


Q, K, TABLE, OTHER, V = (torch.randn(3, n, 4, generator=torch.Generator().manual_seed(n)) for n in (5, 6, 11, 12, 7))
K, V = K[:, :5], V[:, :5]
INDEX = (torch.arange(5)[None, :] - torch.arange(5)[:, None] + 4).expand(3, -1, -1)
RANDOM = torch.randint(0, 9, (3, 5, 5), generator=torch.Generator().manual_seed(0))


def of_queries(x, index=INDEX):
    return torch.bmm(x, TABLE.mT).gather(-1, index)


def of_keys(x, index=INDEX):
    return torch.bmm(x, OTHER.mT).gather(-1, index.mT).mT


# What a model may do with products that were gathered, and the kind of the bias that it is followed as.
STEPS = {
    "added": (lambda s: s + of_queries(Q), "content"),
    "before the scores": (lambda s: of_queries(Q) + s, "content"),
    "of a scaled query": (lambda s: s + of_queries(Q / 3), "content"),
    "of keys": (lambda s: s + of_keys(2 * K), "content"),
    "of both, in two steps": (lambda s: (s + of_keys(K)) + of_queries(Q) / 2, "content"),
    "of both, in place": (lambda s: s + (0 + of_queries(Q)).add_(of_keys(K)), "content"),
    "scaled with the scores": (lambda s: (s + of_queries(Q)) * 0.5, "content"),
    "scaled in place": (lambda s: s + of_queries(Q).div_(2.0), "content"),
    "with four axes": (lambda s: s.view(1, 3, 5, 5) + of_queries(Q).view(1, 3, 5, 5), "dense"),
    "of another query": (lambda s: s + of_queries(Q.flip(1)), "dense"),
    "twice": (lambda s: s + of_queries(Q) + of_queries(Q), "dense"),
    "at any positions": (lambda s: s + of_queries(Q, RANDOM), "dense"),
    "at other positions for keys": (lambda s: s + of_queries(Q) + of_keys(K, INDEX.flip(-1).flip(-2)), "dense"),
    "with a bias beside": (lambda s: s + torch.arange(5.0) + of_queries(Q), "dense"),
    "clamped in place": (lambda s: s + of_queries(Q).clamp_(-1, 1), "dense"),
    "clamped in place, and scaled": (lambda s: s + of_queries(Q).clamp_(-1, 1) * 2, "dense"),
    "times another": (lambda s: s + of_queries(Q) * of_queries(Q), "dense"),
    "subtracted": (lambda s: s - of_queries(Q), "dense"),
    "turned twice": (lambda s: s + of_keys(K).mT.mT, "dense"),
    "masked": (lambda s: (s + of_queries(Q)).masked_fill(torch.ones(5, 5, dtype=torch.bool).triu(1), -1e9), "content"),
}


@pytest.mark.parametrize("name", STEPS)
def test_the_result_is_that_of_torch_whatever_is_done_with_the_products(name):
    step, kind = STEPS[name]
    core, seen = Core(), []
    with torch.inference_mode():
        wanted = torch.bmm(step(torch.bmm(Q, K.mT)).softmax(-1).view(3, 5, 5), V)
        with watching(core, "terms", lambda _, terms: seen.append(terms)), Following(core):
            found = torch.bmm(step(torch.bmm(Q, K.mT)).softmax(-1).view(3, 5, 5), V)
    torch.testing.assert_close(found, wanted, atol=1e-6, rtol=0)
    assert [terms.bias.kind for terms in seen] == [kind]


def test_products_that_are_not_added_to_scores_are_computed():
    with torch.inference_mode(), Following(Core()):
        lazy = of_queries(Q)
        assert isinstance(lazy, LazyContent)
        found = lazy.exp()
    assert not isinstance(found, LazyContent)
    torch.testing.assert_close(found, (Q @ TABLE.mT).gather(-1, INDEX).exp())
