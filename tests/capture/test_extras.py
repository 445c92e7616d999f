"""What a run keeps if it is asked to: values, norms of the residual stream, the last hidden state."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from architectures import ARCHITECTURES, WATCHED

from headscope.attention.hooks import watching
from headscope.capture.capture import run_tokens
from headscope.capture.extras import Extras
from headscope.errors import InvalidInput, UnsupportedModel
from headscope.models.adopting import adopt_without_table
from headscope.models.loading import LoadedModel
from headscope.records import ModelCard, Token

ALL = ("values", "stream", "hidden")
IDS = (5, 9, 33, 7, 8, 21, 40, 9, 5)
TOKENS = tuple(Token(n, token, str(token), n, n + 1, False, 0) for n, token in enumerate(IDS))


def loaded_tiny(architecture):
    adopted = adopt_without_table(architecture.build())
    stacks = adopted.stacks()
    return LoadedModel(
        ModelCard("tiny", "", "tiny", "local", causal=stacks[0].causal, stacks=stacks, d_model=32), adopted, None
    )


def of_hugging_face(model, **options):
    ids = torch.tensor([IDS])
    with model.adopted.as_hugging_face() as theirs, torch.inference_mode():
        return theirs(input_ids=ids, output_hidden_states=True, **options)


def test_nothing_is_kept_by_default():
    extras = Extras(())
    run_tokens(loaded_tiny(ARCHITECTURES["llama"]), TOKENS, extras=extras)
    assert (extras.values, extras.stream, extras.hidden) == ([], [], [])


@pytest.mark.parametrize("name", ["llama", "roberta", "albert", "gpt-j", "bloom", "deepseek"])
def test_the_stream_and_the_last_state_are_those_of_transformers(name):
    model, extras = loaded_tiny((ARCHITECTURES | WATCHED)[name]), Extras(ALL)
    layers = run_tokens(model, TOKENS, extras=extras)
    wanted = of_hugging_face(model)
    assert len(extras.stream) == len(extras.values) == len(layers) == 2
    for norms, state in zip(extras.stream, wanted.hidden_states, strict=False):
        torch.testing.assert_close(norms, state[0].norm(dim=-1), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(extras.hidden[0], wanted.last_hidden_state[0], atol=1e-5, rtol=1e-5)


def test_values_belong_to_the_key_value_heads():
    model, extras = loaded_tiny(ARCHITECTURES["llama"]), Extras(["values"])
    run_tokens(model, TOKENS, extras=extras)
    first, theirs = of_hugging_face(model).hidden_states[0], model.adopted.model.layers[0]
    wanted = theirs.self_attn.v_proj(theirs.input_layernorm(first)).view(len(IDS), 2, 8).transpose(0, 1)
    torch.testing.assert_close(extras.values[0], wanted, atol=1e-5, rtol=1e-5)
    assert extras.stream == extras.hidden == []


def test_layers_without_attention_have_no_norms():
    model, extras = loaded_tiny(ARCHITECTURES["jamba"]), Extras(["stream"])
    [layer] = run_tokens(model, TOKENS, extras=extras)
    wanted = of_hugging_face(model).hidden_states[layer.index][0].norm(dim=-1)
    torch.testing.assert_close(extras.stream[0], wanted, atol=1e-5, rtol=1e-5)


def test_a_model_without_one_stream_is_refused_with_the_way_out(monkeypatch):
    model = loaded_tiny(ARCHITECTURES["llama"])
    block = model.adopted.model.layers[0]
    forward = block.forward
    monkeypatch.setattr(block, "forward", lambda x, **options: forward(x[0], **options))
    block.register_forward_pre_hook(lambda _, args: (torch.stack([args[0], args[0]]), *args[1:]), prepend=True)
    assert len(run_tokens(model, TOKENS)) == 2
    with pytest.raises(UnsupportedModel, match=r"layers\.0 of tiny reads \[2, 1, 9, 32\], .* without `stream`"):
        run_tokens(model, TOKENS, extras=Extras(["stream"]))


def test_an_unknown_name_is_refused():
    with pytest.raises(InvalidInput, match=r"\['keys'\]: choose from values, stream, hidden"):
        Extras(["keys"])


def test_hooks_end_with_the_run():
    model = loaded_tiny(ARCHITECTURES["llama"])
    run_tokens(model, TOKENS, extras=Extras(ALL))
    assert not any(part._forward_pre_hooks or part._forward_hooks for part in model.adopted.model.modules())


def test_values_and_pattern_give_the_output_of_a_head():
    model, extras = loaded_tiny(ARCHITECTURES["mistral"]), Extras(["values"])
    layers, seen = run_tokens(model, TOKENS, extras=extras), []
    with watching(model.adopted.model, "z", lambda _, z: seen.append(z[0])), torch.inference_mode():
        model.adopted.run(torch.tensor([IDS]))
    every = range(len(IDS))
    pattern = layers[1].block(range(4), every, every)
    wanted = np.einsum("hij,hje->hie", pattern.numpy(), extras.values[1].repeat_interleave(2, 0).numpy())
    np.testing.assert_allclose(seen[1].numpy(), wanted, atol=1e-5)


@pytest.mark.parametrize("name", ["llama", "gpt-j"])
def test_the_capture_of_an_edited_run_has_the_edit_and_no_square(name):
    model, edge = loaded_tiny((ARCHITECTURES | WATCHED)[name]), torch.tensor([[2, 7, 3]])

    def cut(_, terms):
        return replace(terms, rule=terms.rule.without(edge, 4))

    with watching(model.adopted.model, f"{model.adopted.attention[0].core}.terms", cut):
        edited = run_tokens(model, TOKENS)
    before, every = run_tokens(model, TOKENS), range(len(IDS))
    patterns = [layers[0].block(range(4), every, every) for layers in (before, edited)]
    changed = (patterns[0] - patterns[1]).abs().amax(-1) > 1e-6
    assert changed.nonzero().tolist() == [[2, 7]]
    assert patterns[0][2, 7, 3] > 0 == patterns[1][2, 7, 3]
    assert patterns[1][2, 7].sum() == pytest.approx(1)
    assert edited[0].terms.squares == []
