"""Captures of models with an encoder and a decoder over it: three stacks, and a target that is given or written."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from encoder_decoders import KINDS, TARGET, TEXT, write

from headscope.capture.admission import admit
from headscope.capture.capture import capture_id, run, tokenize_prompt
from headscope.capture.certificate import bytes_of_certificate, certify
from headscope.capture.cost import bytes_kept, cost_of
from headscope.capture.windows import head_window, overview, thumbnails, whole, window
from headscope.errors import InvalidWindow, NoBias, TargetNotSupported, TooManyTokens, UnknownHead, UnknownStack
from headscope.models import targets, writing
from headscope.models.loading import load
from headscope.records import ModelCard, Prompt

CARD = ModelCard("local:x", "x", "", "local")
SHOWN = {"encoder": "encoder_attentions", "decoder": "decoder_attentions", "cross": "cross_attentions"}


@pytest.fixture(scope="module", params=KINDS)
def folder(request, tmp_path_factory):
    return write(tmp_path_factory.mktemp("stacks") / request.param, request.param)


@cache
def model_in(folder):
    return admit(load(folder, CARD))


@pytest.fixture
def model(folder):
    return model_in(folder)


@pytest.fixture
def capture(model):
    return run(model, Prompt(TEXT, target=TARGET))


def theirs(folder, capture):
    """The output of transformers' own model, loaded by itself, for the same tokens."""
    own = transformers.AutoModelForSeq2SeqLM.from_pretrained(Path(folder), attn_implementation="eager").eval()
    ids, target = (torch.tensor([[token.id for token in capture.tokens_of(side)]]) for side in ("source", "target"))
    with torch.inference_mode():
        return own(input_ids=ids, decoder_input_ids=target, output_attentions=True, use_cache=False)


def test_every_weight_of_three_stacks_is_that_of_transformers(folder, capture):
    found = theirs(folder, capture)
    for name, field in SHOWN.items():
        seen = capture.of_stack(name)
        wanted = found[field]
        assert [layer.index for layer in seen.layers] == list(range(len(wanted)))
        for layer, pattern in enumerate(wanted):
            for head in range(pattern.shape[1]):
                ours = head_window(seen, layer, head, whole(seen))
                np.testing.assert_allclose(ours, pattern[0, head], atol=1e-5)


def test_the_rows_of_cross_attention_are_the_target_and_its_columns_the_text(capture):
    cross = capture.of_stack("cross")
    assert [len(cross.queries), len(cross.keys)] == [6, 10]
    assert [token.text for token in cross.queries] == ["<pad>", "a", "dog", "saw", "the", "bird"]
    assert [token.text for token in cross.keys][-2:] == [".", "</s>"]
    assert head_window(cross, 0, 0, window(6, (1, 4), (2, 10), 4, 10)).shape == (3, 4)
    assert overview(cross, 4)[0].shape == (len(cross.stack.layers), cross.heads, 3, 4)
    assert thumbnails(cross.layers[0], 4).shape[1:] == (3, 4)
    with pytest.raises(InvalidWindow, match="columns=0:11"):
        window(6, None, (0, 11), None, 10)


def test_without_a_stack_the_encoder_is_meant(capture):
    encoder = capture.of_stack("encoder")
    assert capture.stack.name == "encoder"
    assert (capture.layers, capture.queries, capture.keys) == (encoder.layers, capture.tokens, capture.tokens)
    assert capture.in_grid([torch.zeros(layer.heads) for layer in capture.layers]).shape == (2, 4)


def test_an_unknown_stack_and_head_are_refused_with_those_that_exist(capture):
    with pytest.raises(UnknownStack, match="stack=middle: local:x has encoder, decoder and cross"):
        capture.of_stack("middle")
    heads = capture.of_stack("decoder").heads
    with pytest.raises(UnknownHead, match=rf"the stack decoder of local:x has heads 0\.\.{heads - 1}"):
        capture.of_stack("decoder").check_head(0, heads)


def test_the_certificate_compares_every_stack_and_changes_later_tokens_of_the_target(model, capture):
    certificate = certify(model, capture)
    sizes = {name: len(errors) for name, errors in certificate.stacks.items()}
    assert sizes == {"encoder": 2, "decoder": 3, "cross": 3}
    assert max(error for errors in certificate.stacks.values() for error in errors) <= 1e-5
    assert certificate.max_abs_error == certificate.stacks["encoder"]
    assert certificate.causal_leak == 0


def test_the_memory_of_a_capture_and_of_its_certificate_is_known_beforehand(model, capture):
    tokens, target = len(capture.tokens), len(capture.target.tokens)
    assert capture.bytes == bytes_kept(model.card, tokens, "float32", target)
    one, two = (bytes_of_certificate(model.card, 100, target) for target in (10, 1000))
    assert one < two


@pytest.mark.parametrize("target", [5, 60])
def test_the_longest_text_beside_a_target_is_known(model, target):
    known = {"seconds": None, "max_tokens": 10**6, "keep": "float32", "writes": True}
    limit = cost_of(model.card, 3000, target, limit=0, **known)
    cost = cost_of(model.card, 7, target, limit=limit.bytes + limit.writing, **known)
    # what is needed while the model writes grows with the text as well, and is counted as for this text
    fits = cost_of(model.card, cost.most_tokens, target, limit=0, **known)
    assert cost.most_tokens >= 3000
    assert fits.bytes <= limit.bytes + limit.writing - cost.writing


def test_the_decoder_reads_what_the_model_itself_makes_of_the_labels(model, capture):
    labels = model.tokenizer.encode(TARGET).ids
    shifted = model.adopted.model.prepare_decoder_input_ids_from_labels(labels=torch.tensor([labels]))
    assert [token.id for token in capture.target.tokens] == shifted[0].tolist()
    assert [TARGET[token.start : token.end] for token in capture.target.tokens[1:]] == TARGET.split()


def test_no_token_of_a_target_is_lost_where_the_tokenizer_adds_no_end(model, monkeypatch):
    tokenize = targets.tokenize
    monkeypatch.setattr(targets, "tokenize", lambda *given, **options: (tokenize(*given, **options)[0][:-1], 0))
    found = tokenize_prompt(model, Prompt(TEXT, target=TARGET)).target.tokens
    assert [token.text for token in found[1:]] == TARGET.split()


def test_the_model_writes_what_generate_writes(folder, model):
    capture = run(model, Prompt(TEXT), most_written=12)
    own = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    ids = torch.tensor([[token.id for token in capture.tokens]])
    wanted = own.generate(ids, do_sample=False, num_beams=1, max_new_tokens=12, use_cache=False)[0].tolist()
    assert [token.id for token in capture.target.tokens] == [number for number in wanted if number != 1]
    assert capture.target.written
    assert len(set(wanted)) > 3  # not one token again and again
    said = [token for token in capture.target.tokens if not token.special]
    assert capture.target.text.split() == [token.text for token in said]
    assert [capture.target.text[token.start : token.end].strip() for token in said] == [token.text for token in said]
    certificate = certify(model, capture)
    assert max(error for errors in certificate.stacks.values() for error in errors) <= 1e-5


def test_each_written_token_is_reported_and_can_end_the_writing(model):
    class EnoughError(Exception):
        pass

    seen = []

    def take(tokens):
        seen.append(len(tokens))
        if len(tokens) == 3:
            raise EnoughError

    with pytest.raises(EnoughError):
        writing.written(model, tokenize_prompt(model, Prompt(TEXT)), on_tokens=take)
    assert seen == [2, 3]


def test_the_model_writes_by_our_attention_which_reads_one_new_token_at_a_time(model):
    """It keeps the keys and values of those before."""
    from headscope.attention.hooks import watching

    lengths = []
    with watching(model.adopted.model, "q", lambda _, q: lengths.append(q.shape[2])):
        writing.written(model, tokenize_prompt(model, Prompt(TEXT), most_written=4))
    encoder = [length for length in lengths if length > 1]
    assert len(encoder) == 2  # the encoder runs once
    assert len(lengths) > len(encoder)


def test_a_given_and_a_written_target_have_other_ids(model):
    ids = {
        capture_id(model.card, Prompt(TEXT), most_written=5),
        capture_id(model.card, Prompt(TEXT), most_written=6),
        capture_id(model.card, Prompt(TEXT, target="a")),
        capture_id(model.card, Prompt(TEXT, target="a dog")),
    }
    assert len(ids) == 4
    assert capture_id(model.card, Prompt(TEXT)) == capture_id(model.card, Prompt(TEXT))


def test_a_target_that_is_too_long_is_refused(model):
    with pytest.raises(TooManyTokens, match=r"The target has 31 tokens, 1 of them special.*at most 20"):
        tokenize_prompt(model, Prompt(TEXT, target="a " * 30), max_tokens=20)


def test_a_model_without_a_decoder_reads_no_target(loaded):
    with pytest.raises(TargetNotSupported, match="minilm has no decoder"):
        run(loaded("minilm"), Prompt(TEXT, target=TARGET))


def test_the_bias_of_t5_is_the_difference_of_scores_and_products(model, capture):
    if model.card.family != "t5":
        with pytest.raises(NoBias, match="layer 1 adds no bias"):
            head_window(capture, 1, 0, whole(capture), quantity="bias")
        return
    layer = capture.layers[1]
    assert [each.bias for each in model.card.stack("encoder").layers] == ["distance", "distance"]
    found = head_window(capture, 1, 2, whole(capture), quantity="bias")
    scores = head_window(capture, 1, 2, whole(capture), quantity="scores")
    np.testing.assert_allclose(found, scores - (layer.q[2] @ layer.k[2].T).numpy(), atol=1e-5)
    decoder = capture.of_stack("decoder")
    assert not np.triu(head_window(decoder, 0, 0, whole(decoder), quantity="bias"), 1).any()


def test_positions_that_marian_computes_need_not_be_in_the_file(tmp_path):
    folder = write(tmp_path / "marian", "marian")
    assert not any("embed_positions" in name for name in names_in(folder))
    model = load(folder, CARD)
    wanted = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder).model.decoder.embed_positions.weight
    assert torch.equal(model.adopted.model.model.decoder.embed_positions.weight, wanted)


def names_in(folder):
    from safetensors import safe_open

    with safe_open(folder / "model.safetensors", "pt") as file:
        return list(file.keys())


def test_a_decoder_that_cannot_be_compared_leaves_the_encoder(folder, monkeypatch):
    from headscope.capture import admission

    def differ(model):
        if model.adopted.reads_target:
            raise admission.UnsupportedModel("it differs")
        return compared(model)

    compared = admission.compared
    monkeypatch.setattr(admission, "compared", differ)
    card = admit(load(folder, CARD)).card
    assert [stack.name for stack in card.stacks] == ["encoder"]
    assert (card.has_decoder, card.max_target) == (False, None)
