"""Models that compute attention themselves: followed from queries and keys to the values, and compared with eager."""

from dataclasses import replace

import pytest
import torch
from architectures import WATCHED, inputs_of
from torch import nn

from headscope.attention.core import Core
from headscope.attention.hooks import watching
from headscope.capture.admission import admit
from headscope.errors import UnsupportedModel
from headscope.models.adopting import adopt_without_table
from headscope.models.interface.following import Following
from headscope.models.interface.lazy import LazyScores
from headscope.models.loading import LoadedModel
from headscope.records import ModelCard


def loaded(name):
    adopted = adopt_without_table(WATCHED[name].build())
    card = ModelCard("tiny", "", name, "local", stacks=adopted.stacks(), d_model=32)
    return LoadedModel(card, adopted, tokenizer=None)


@pytest.mark.parametrize("name", WATCHED)
def test_every_pattern_and_the_output_are_those_of_eager_attention(name):
    model = admit(loaded(name))
    assert len(model.adopted.attention) == 2
    assert max(model.card.certificate.max_abs_error) <= 1e-5


@pytest.mark.parametrize("name", ["bloom", "mpnet", "falcon"])
def test_a_wrong_scale_is_noticed(name, monkeypatch):
    model, compute = loaded(name), Core.forward

    def wrong(self, q, k, v, terms):
        return compute(self, q, k, v, replace(terms, scale=terms.scale * 1.001))

    monkeypatch.setattr(Core, "forward", wrong)
    with pytest.raises(UnsupportedModel, match="layer 0"):
        admit(model)


def terms_of(name):
    model, seen = loaded(name), []
    with watching(model.adopted.model, "terms", lambda _, terms: seen.append(terms)), torch.inference_mode():
        model.adopted.run(ids=inputs_of(model.adopted.model)["input_ids"])
    return model, seen


@pytest.mark.parametrize(("name", "kind"), [("bloom", "key"), ("mpt", "key"), ("mpnet", "distance"), ("gpt-j", None)])
def test_masks_and_biases_are_found_in_their_smallest_form(name, kind):
    _, seen = terms_of(name)
    for terms in seen:
        assert terms.rule.bits is None
        assert (terms.bias and terms.bias.kind) == kind
        assert terms.rule.is_lower_triangle or name == "mpnet"


@pytest.mark.parametrize("name", ["bloom", "mpnet", "gpt-j"])
def test_layers_with_the_same_mask_and_bias_share_them(name):
    _, (one, other) = terms_of(name)
    assert one.rule is other.rule
    assert one.bias is other.bias


def test_only_the_same_mask_and_bias_are_shared():
    q, k, v = torch.randn(3, 5, 4), torch.randn(3, 5, 4), torch.randn(3, 5, 2)
    causal, by_key = torch.full((5, 5), -1e9).triu(1), torch.arange(5.0)
    core, seen = Core(), []
    biases = [causal + by_key, causal + by_key, causal + 2 * by_key, causal, by_key.expand(5, 5), torch.randn(5, 5)]
    with torch.inference_mode(), watching(core, "terms", lambda _, terms: seen.append(terms)):
        for added in biases:
            with Following(core):
                found = torch.bmm((torch.bmm(q, k.mT) + added).softmax(-1), v)
            torch.testing.assert_close(found, (q @ k.mT + added).softmax(-1) @ v)
    assert seen[0].bias is seen[1].bias
    assert seen[0].rule is seen[1].rule is seen[2].rule is seen[3].rule
    assert [terms.bias and terms.bias.kind for terms in seen] == ["key", "key", "key", None, "key", "dense"]
    assert torch.equal(seen[2].bias.values, 2 * seen[0].bias.values)
    assert core.shared.last is None  # squares are not kept


def test_a_local_window_is_found():
    _, (whole, local) = terms_of("gpt-neo")
    assert whole.rule.is_lower_triangle
    assert local.rule.visible(range(9, 10)) == range(6, 10)


def test_keys_that_are_repeated_for_all_heads_are_kept_once():
    model, _ = terms_of("falcon")
    assert {(layer.heads, layer.kv_heads) for layer in model.adopted.attention} == {(4, 1)}


def test_an_edit_changes_the_output_as_the_same_edit_of_eager_attention_does():
    model, _ = terms_of("gpt-j")
    ids = inputs_of(model.adopted.model)["input_ids"]
    keep = torch.tensor([1.0, 0.0, 1.0, 1.0])[:, None, None]
    with watching(model.adopted.model, "h.0.attn.headscope.z", lambda _, z: z * keep), torch.inference_mode():
        edited = model.adopted.run(ids)
    with torch.no_grad():
        model.adopted.model.h[0].attn.out_proj.weight[:, 8:16] = 0
    with model.adopted.as_hugging_face(), torch.inference_mode():
        wanted = model.adopted.run(ids)
    torch.testing.assert_close(edited, wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", WATCHED)
def test_models_in_bfloat16_are_followed_too(name):
    """They compute the softmax in float32: their scores are converted before it, and their patterns after it."""
    model = WATCHED[name].build().to(torch.bfloat16)
    adopted = adopt_without_table(model)
    card = ModelCard("tiny", "", name, "local", stacks=adopted.stacks(), d_model=32)
    assert len(admit(LoadedModel(card, adopted, tokenizer=None)).card.certificate.max_abs_error) == 2


# What a module may do with scores, and whether the steps are known: the result is that of torch in any case.
STEPS = {
    "plain": lambda s: s,
    "divided": lambda s: s / 2.0,
    "divided by a tensor": lambda s: s / torch.tensor(2.0),
    "scaled in place": lambda s: s.mul_(0.5),
    "masked": lambda s: s.masked_fill(torch.ones(5, 5, dtype=torch.bool).triu(1), -1e9),
    "masked in place": lambda s: s.masked_fill_(torch.ones(5, 5, dtype=torch.bool).triu(1), -1e9),
    "where": lambda s: torch.where(torch.ones(5, 5, dtype=torch.bool).tril(), s, torch.tensor(-1e9)),
    "added": lambda s: s + torch.arange(5.0),
    "added in place, then divided": lambda s: s.add_(torch.arange(5.0)).div_(3.0),
    "twice the mask": lambda s: s + 2 * torch.full((5, 5), -1e9).triu(1),
    "as three axes": lambda s: s.view(3, 5, 5).view(1, 3, 5, 5),
    "clamped": lambda s: s.clamp(-1, 1),
    "clamped in place": lambda s: s.clamp_(-1, 1),
    "squared": lambda s: s * s,
    "transposed twice": lambda s: s.mT.contiguous().mT,
    "doubled by itself": lambda s: s + s,
    "with a number": lambda s: s + 0 - 1.5,
    "without a mask": lambda s: s - 1e30 * torch.ones(5, 5).triu(1),
    "subtracted in place": lambda s: s.sub_(torch.arange(5.0)),
    "subtracted from a number": lambda s: 1.5 - s,
    "masked, then scaled": lambda s: s.masked_fill(torch.ones(5, 5, dtype=torch.bool).triu(1), -1e9) * 0.5,
}


class Attention(nn.Module):
    def __init__(self, step):
        super().__init__()
        self.step = step

    def forward(self, q, k, v):
        return self.step(q @ k.mT).softmax(-1) @ v


@pytest.mark.parametrize("inference", [True, False], ids=["inference mode", "no grad"])
@pytest.mark.parametrize("name", STEPS)
def test_the_result_is_that_of_torch_whatever_is_done_with_the_scores(name, inference):
    make = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(1, 3, 5, 4, generator=make) for _ in range(3))
    core, calls, module = Core(), [], Attention(STEPS[name])
    with torch.inference_mode(inference), torch.no_grad():
        wanted = module(q, k, v)
        with watching(core, "z", lambda _, z: calls.append(z)), Following(core):
            found = module(q, k, v)
    torch.testing.assert_close(found, wanted, atol=1e-6, rtol=0)
    assert len(calls) == 1


# Attention that is written as torch.einsum, with axes in any order, and products that only look like it.
EINSUMS = {
    "sequence first": ("ibnd,jbnd->bnij", "bnij,jbnd->ibnd", (5, 1, 3, 4), (6, 1, 3, 4)),
    "heads in the middle": ("bind,bjnd->bnij", "bnij,bjnd->bind", (1, 5, 3, 4), (1, 6, 3, 4)),
    "heads first": ("hid,hjd->hij", "hij,hjd->hid", (3, 5, 4), (3, 6, 4)),
    "heads last": ("idh,jdh->hij", "hij,jdh->dih", (5, 4, 3), (6, 4, 3)),
}


class Einsum(nn.Module):
    def __init__(self, scores, mix):
        super().__init__()
        self.scores, self.mix = scores, mix

    def forward(self, q, k, v):
        return torch.einsum(self.mix, (torch.einsum(self.scores, q, k) / 2).softmax(-1), v)


@pytest.mark.parametrize("inference", [True, False], ids=["inference mode", "no grad"])
@pytest.mark.parametrize("name", EINSUMS)
def test_attention_that_is_written_as_einsum_is_followed(name, inference):
    scores, mix, of_q, of_k = EINSUMS[name]
    make = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(shape, generator=make) for shape in (of_q, of_k, of_k))
    core, calls, module = Core(), [], Einsum(scores, mix)
    with torch.inference_mode(inference), torch.no_grad():
        wanted = module(q, k, v)
        with watching(core, ("q", "k", "z"), lambda _, x: calls.append(list(x.shape))), Following(core):
            found = module(q, k, v)
    torch.testing.assert_close(found, wanted, atol=1e-6, rtol=0)
    if inference:  # otherwise functions arrive in small steps, which move axes of scores
        assert calls == [[1, 3, 5, 4], [1, 3, 6, 4], [1, 3, 5, 4]]


OTHER_EINSUMS = {
    "keys for all sequences": ("ibnd,snd->ibns", (5, 1, 3, 4), (6, 3, 4)),
    "a query that is a key": ("ijbs,ibns->bnij", (5, 6, 1, 2), (5, 1, 3, 2)),
    "two sums": ("hidt,hjdt->hij", (3, 5, 4, 2), (3, 6, 4, 2)),
    "no head": ("id,jd->ij", (5, 4), (6, 4)),
    "a diagonal": ("hii,hjd->hij", (3, 5, 5), (3, 6, 4)),
    "a dot for the rest": ("...id,...jd->...ij", (3, 5, 4), (3, 6, 4)),
    "axes in the order of letters": ("hid,hjd", (3, 5, 4), (3, 6, 4)),
}


@pytest.mark.parametrize("name", OTHER_EINSUMS)
def test_any_other_einsum_is_that_of_torch(name):
    equation, one, other = OTHER_EINSUMS[name]
    one, other = torch.randn(one), torch.randn(other)
    wanted = torch.einsum(equation, one, other)
    with torch.inference_mode(), Following(Core()):
        found = torch.einsum(equation, one, other)
        assert not isinstance(found, LazyScores)
    torch.testing.assert_close(found, wanted)


def test_scores_in_an_einsum_are_numbers_unless_they_are_a_pattern():
    q, k, v = torch.randn(3, 5, 4), torch.randn(3, 6, 4), torch.randn(3, 6, 2)
    with torch.inference_mode(), Following(Core()):
        scores = torch.bmm(q, k.mT)
        assert isinstance(scores, LazyScores)
        found = torch.einsum("hij,hje->hie", scores, v), torch.einsum("hie,hij->hej", v[:, :5], scores)
    torch.testing.assert_close(found[0], q @ k.mT @ v)
    torch.testing.assert_close(found[1], v[:, :5].mT @ (q @ k.mT))


USES = {
    "sum": lambda s: s.sum(),
    "cat": lambda s: torch.cat([s, s], -1),
    "a column": lambda s: s[..., 0],
    "the largest": lambda s: s.topk(2)[0],
}


@pytest.mark.parametrize("name", USES)
def test_any_other_operation_gets_the_real_numbers(name):
    q, k = torch.randn(2, 5, 4), torch.randn(2, 6, 4)
    with torch.no_grad(), Following(Core()):
        product = torch.bmm(q, k.mT)
        assert isinstance(product, LazyScores)
        found = USES[name](product)
    torch.testing.assert_close(found, USES[name](q @ k.mT))
    torch.testing.assert_close(product + 0, q @ k.mT)  # outside too


def test_a_model_that_merges_tokens_between_its_layers_is_refused_with_the_lengths():
    from transformers import FunnelConfig, FunnelModel

    config = FunnelConfig(vocab_size=64, d_model=32, n_head=4, d_head=8, d_inner=48, block_sizes=[1, 1])
    with pytest.raises(UnsupportedModel, match=r"a funnel do not all read the same tokens .*7 keys, 4 queries"):
        adopt_without_table(FunnelModel(config))


def test_a_model_without_softmax_attention_is_refused_by_name():
    from transformers import FNetConfig, FNetModel

    config = FNetConfig(vocab_size=64, hidden_size=32, num_hidden_layers=2, intermediate_size=48)
    with pytest.raises(UnsupportedModel, match="a fnet has no softmax attention"):
        adopt_without_table(FNetModel(config))
