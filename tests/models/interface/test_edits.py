"""The same edits by the same names in our own layer, behind the interface, and in a model that is followed.

Each is compared with attention that is written out below in plain tensor operations, within the model of transformers.
"""

from dataclasses import dataclass, replace

import pytest
import torch
import transformers.models.gpt2.modeling_gpt2 as gpt2
import transformers.models.gptj.modeling_gptj as gptj
import transformers.models.llama.modeling_llama as llama
from architectures import ARCHITECTURES, WATCHED
from transformers import GPT2Model
from worlds import randomise, tiny_gpt2

from headscope.attention.hooks import watching
from headscope.models.adapter import adopt
from headscope.models.adopting import adopt_by_following, adopt_by_interface
from headscope.models.families import FAMILIES

IDS = torch.tensor([[5, 9, 33, 7, 8, 21, 40, 9, 5, 17]])
HEADS, LAYER = 4, 1
EDGES = torch.tensor([[2, 9, 4], [2, 5, 5], [0, 8, 0]])
OTHER_Z = torch.randn(1, HEADS, 10, 64, generator=torch.Generator().manual_seed(3))


def own_layer():
    model = GPT2Model._from_config(tiny_gpt2(), attn_implementation="headscope")
    return adopt(randomise(model.eval()), FAMILIES["gpt2"])


@dataclass(frozen=True)
class Kind:
    """How a model is adopted, and where transformers computes attention in it."""

    adopted: object
    core: str
    kv_heads: int
    module: object
    function: str


KINDS = {
    "our own layer": Kind(own_layer, "h.1.attn.attention.core", 4, gpt2, "eager_attention_forward"),
    "the interface": Kind(
        lambda: adopt_by_interface(ARCHITECTURES["llama"].build()),
        "layers.1.self_attn.headscope", 2, llama, "eager_attention_forward",
    ),
    "followed": Kind(
        lambda: adopt_by_following(WATCHED["gpt-j"].build()), "h.1.attn.headscope", 4, gptj.GPTJAttention, "_attn"
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Edit:
    """An edit at a hook point, and what it does to scores [b h i j], pattern [b h i j] and z [b h i e] by hand."""

    at: str
    ours: object
    scale: object = lambda scale: scale
    scores: object = lambda scores: scores
    pattern: object = lambda pattern: pattern
    z: object = lambda z, _: z


def at_edges(x, value):
    x = x.clone()
    for head, query, key in EDGES.tolist():
        x[:, head, query, key] = value
    return x


def of_heads(z, heads):
    """The z of these heads replaced."""
    z = z.clone()
    z[:, heads] = OTHER_Z[:, heads, :, : z.shape[-1]]
    return z


def of_group(z, kv_heads):
    """The z of the heads that share the first key/value head replaced."""
    return of_heads(z, list(range(HEADS // kv_heads)))


EDITS = {
    "edges cut, the rest sums to 1": lambda _: Edit(
        "terms", lambda t: replace(t, rule=t.rule.without(EDGES, HEADS)), scores=lambda s: at_edges(s, -torch.inf)
    ),
    "edges cut, the rest as it was": lambda _: Edit(
        "pattern", lambda p: at_edges(p, 0.0), pattern=lambda p: at_edges(p, 0.0)
    ),
    "a score set": lambda _: Edit("scores", lambda s: at_edges(s, 3.0), scores=lambda s: at_edges(s, 3.0)),
    "another scale": lambda _: Edit("terms", lambda t: replace(t, scale=t.scale * 3), scale=lambda scale: scale * 3),
    "z of a head": lambda _: Edit("z", lambda z: of_heads(z, [2]), z=lambda z, _: of_heads(z, [2])),
    "z of a group": lambda kind: Edit("z", lambda z: of_group(z, kind.kv_heads), z=of_group),
}


def attention_by_hand(q, k, v, edit, kv_heads):
    """softmax of q k^T / sqrt(d), causal, times v, with the edit at each step."""
    k, v = (x.repeat_interleave(q.shape[1] // x.shape[1], 1) for x in (k, v))
    causal = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool).tril()
    scores = edit.scores(q @ k.mT * edit.scale(q.shape[-1] ** -0.5)).masked_fill(~causal, -torch.inf)
    return edit.z(edit.pattern(scores.softmax(-1)) @ v, kv_heads)


def by_hand(kind, edit, monkeypatch):
    """The function of transformers, with our own of the module of one layer."""
    before = getattr(kind.module, kind.function)

    def function(module, q, k, v, mask=None, **options):
        if module.layer_idx != LAYER:
            return before(module, q, k, v, mask, **options)
        z = attention_by_hand(q, k, v, edit, kind.kv_heads)
        return (z if kind.module is gptj.GPTJAttention else z.transpose(1, 2)), None

    monkeypatch.setattr(kind.module, kind.function, function)


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_edit_is_the_same_as_attention_written_out_by_hand(kind, edit, monkeypatch):
    kind = KINDS[kind]
    edit, adopted = EDITS[edit](kind), kind.adopted()
    with torch.inference_mode():
        plain = adopted.run(IDS)
        with watching(adopted.model, f"{kind.core}.{edit.at}", lambda _, x: edit.ours(x)):
            found = adopted.run(IDS)
        assert torch.equal(adopted.run(IDS), plain)  # the edit ends with the `with`
        by_hand(kind, edit, monkeypatch)
        with adopted.as_hugging_face():
            wanted = adopted.run(IDS)
    assert (wanted - plain).abs().max() > 1e-3
    torch.testing.assert_close(found, wanted, atol=2e-5, rtol=1e-5)


def test_the_z_of_the_one_group_of_a_multi_query_model_is_that_of_all_heads():
    adopted = adopt_by_following(WATCHED["falcon"].build())
    layer = adopted.attention[LAYER]
    assert (layer.heads, layer.kv_heads) == (4, 1)
    with watching(adopted.model, f"{layer.core}.z", lambda _, z: torch.zeros_like(z)), torch.inference_mode():
        found = adopted.run(IDS)
    with torch.no_grad():
        adopted.model.h[LAYER].self_attention.dense.weight.zero_()
    with adopted.as_hugging_face(), torch.inference_mode():
        torch.testing.assert_close(found, adopted.run(IDS), atol=1e-5, rtol=1e-5)
