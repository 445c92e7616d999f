"""The decoder of a tokenizer.json makes the text that a model writes: it is limited, and tried before a model loads."""

import json
import shutil
from dataclasses import replace

import pytest
from encoder_decoders import TARGET, TEXT, tokenizer, write
from model_files import check_tokenizer
from tokenizers.decoders import BPEDecoder, ByteFallback, ByteLevel, Fuse, Metaspace, Replace, Strip, WordPiece
from tokenizers.decoders import Sequence as Decoders
from worlds import serving

from headscope.engine.limits import bytes_of_text
from headscope.errors import CorruptModel
from headscope.models.checker.process import CHECKER
from headscope.models.loading import load
from headscope.models.targets import WrittenTarget
from headscope.models.tokens import read_tokenizer
from headscope.records import ModelCard, Prompt, Target, Token, TokenizedPrompt
from headscope.settings import Settings

CAPTURES = "/api/v1/captures"
LLAMA = Decoders([Replace("▁", " "), ByteFallback(), Fuse(), Strip(" ", 1, 0)])
CUTS_NOTHING = Decoders([Fuse(), Strip(" ", 0, 1)])  # the library fails on an empty text


def with_decoder(decoder, **words):
    """The tokenizer with other words in the place of the last ones."""
    data = json.loads(tokenizer().to_str())
    vocabulary = data["model"]["vocab"]
    for number, word in words.items():
        vocabulary = {other: each for other, each in vocabulary.items() if each != int(number[1:])}
        vocabulary[word] = int(number[1:])
    data["model"]["vocab"] = vocabulary
    made = read_tokenizer(json.dumps(data).encode())
    made.decoder = decoder
    return made


@pytest.fixture(scope="module")
def t5(tmp_path_factory):
    return write(tmp_path_factory.mktemp("decoders") / "t5", "t5")


def long_words(decoder):
    """Each word of a T5 has 1,000 letters, at most one of another kind."""
    data = json.loads(tokenizer().to_str())
    special = {each["content"] for each in data["added_tokens"]}
    words = data["model"]["vocab"].items()
    data["model"]["vocab"] = {word if word in special else "a" * (1000 - len(str(n))) + str(n): n for word, n in words}
    made = read_tokenizer(json.dumps(data).encode())
    made.decoder = decoder
    return made


@pytest.mark.fault(40, 46)
@pytest.mark.parametrize(
    ("decoder", "expected"),
    [
        (Replace("a", "b" * 20_000_000), "20,000,000 times longer in bytes .its decoder.: at most 4 times"),
        (Decoders([Replace("b" if n % 2 else "a", ("a" if n % 2 else "b") * 10) for n in range(6)]), "10 times longer"),
        (Decoders([Replace("a", "aaaa")] * 4), "256 times longer in bytes .its decoder.: at most 200 times"),
        (Decoders([BPEDecoder(suffix="")] * 8), "256 times longer"),
        (Decoders([ByteLevel()] * 5), "243 times longer"),
        (Replace("a" * 65, ""), "what its decoder replaces of 65 characters"),
        (Decoders([Fuse()] * 33), "33 parts in its decoder: up to 32"),
    ],
    ids=["swells", "swells in steps", "swells together", "spaces", "bytes", "long pattern", "many parts"],
)
def test_a_decoder_that_can_make_a_text_far_longer_is_refused(decoder, expected):
    with pytest.raises(CorruptModel, match=rf"tokenizer\.json .*{expected}"):
        check_tokenizer(CHECKER, with_decoder(decoder))


@pytest.mark.fault(46)
@pytest.mark.parametrize(
    ("decoder", "words", "expected"),
    [
        (
            Strip("c", 0, 100),
            {"n60": "c"},
            "fails when it decodes tokens that the model can write: index out of bounds",
        ),
        (CUTS_NOTHING, {}, "fails when it decodes tokens that the model can write: index out of bounds"),
        (Strip("c", 3, 3), {"n60": "ccc"}, "fails when it decodes tokens that the model can write"),
        (Replace("a", "bbbb"), {"n60": "a" * 251}, "decodes 1 of its tokens to 1,004 characters: up to 1,001"),
    ],
    ids=["longer than a token", "nothing left", "crossed", "long"],
)
def test_a_decoder_that_fails_or_makes_long_texts_is_refused_where_the_model_writes(decoder, words, expected):
    made = with_decoder(decoder, **words)
    with pytest.raises(CorruptModel, match=rf"tokenizer\.json {expected}"):
        check_tokenizer(CHECKER, made, writes=True)
    check_tokenizer(CHECKER, made)  # nothing is decoded in a model that writes nothing


@pytest.mark.parametrize(
    "decoder",
    [ByteLevel(), WordPiece(), Metaspace(), BPEDecoder(), Fuse(), LLAMA, None],
    ids=lambda each: type(each).__name__,
)
def test_the_decoders_of_common_models_are_accepted(decoder):
    made = tokenizer()
    if decoder is not None:
        made.decoder = decoder
    check_tokenizer(CHECKER, made, writes=True)


@pytest.mark.fault(46)
def test_a_decoder_that_fails_on_what_a_model_writes_is_an_answer_and_a_given_target_works(t5, tmp_path, monkeypatch):
    """Also where the check of the model has found nothing."""
    monkeypatch.setattr(CHECKER, "tokenizer", lambda *_, **__: None)
    shutil.copytree(t5, tmp_path / "models" / "mine")
    with_decoder(CUTS_NOTHING).save(str(tmp_path / "models" / "mine" / "tokenizer.json"))
    with serving(Settings(model="local:mine", models_dir=tmp_path / "models")) as client:
        for path in ("captures", "attention"):
            refused = client.post(f"/api/v1/{path}", json={"text": TEXT})
            assert (refused.status_code, refused.json()["code"]) == (422, "corrupt_model")
            assert "fails on what the model writes: repair the decoder" in refused.json()["detail"]
        assert client.post(CAPTURES, json={"text": TEXT, "target": TARGET}).is_success


@pytest.mark.fault(40)
def test_a_written_token_adds_at_most_a_thousand_characters(t5):
    """Also where the check of the model has found nothing."""
    model = replace(load(t5, ModelCard("local:x", "x", "", "local")), tokenizer=long_words(Replace("a", "bbbb")))
    written = WrittenTarget(model)
    for number in (5, 6, 7):
        written.add(number)
    assert written.text == "b" * 3000
    assert [(token.start, token.end) for token in written.tokens[1:]] == [(0, 1000), (1000, 2000), (2000, 3000)]


@pytest.mark.fault(40)
def test_the_text_that_a_model_has_written_counts_as_memory_of_its_capture(t5, tmp_path):
    shutil.copytree(t5, tmp_path / "mine")
    long_words(Fuse()).save(str(tmp_path / "mine" / "tokenizer.json"))
    with serving(Settings(model="local:mine", models_dir=tmp_path, max_written=100)) as client:
        ledger = client.app.state.runner.ledger
        before = ledger.bytes("captures")
        found = client.post(CAPTURES, json={"text": TEXT}).json()
        assert len(found["target"]) > 80_000
        tokens = tuple(Token(**each) for each in found["tokens"])
        target = Target(tuple(Token(**each) for each in found["target_tokens"]), found["target"], written=True)
        text = bytes_of_text(TokenizedPrompt(Prompt(TEXT), tokens, target=target))
        assert text > 20_000
        assert ledger.bytes("captures") - before == found["bytes"] + text
