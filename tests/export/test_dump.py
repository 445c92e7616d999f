"""A dump tokenizes its prompt once, and computes the id of its capture once."""

import pytest

from headscope.models import loading

BODY = {"text": "The cat sat on the mat.", "layers": [0]}


@pytest.fixture
def calls(monkeypatch):
    """The texts that are tokenized."""
    texts, tokenize = [], loading.tokenize

    def counted(tokenizer, text, *given, **options):
        texts.append(text)
        return tokenize(tokenizer, text, *given, **options)

    monkeypatch.setattr(loading, "tokenize", counted)
    return texts


def test_a_dump_tokenizes_its_text_once(client, calls):
    assert client.post("/api/v1/attention", json=BODY).status_code == 200
    assert calls == [BODY["text"]]


def test_a_dump_of_a_cached_capture_tokenizes_nothing(client, calls):
    client.post("/api/v1/captures", json={"text": BODY["text"]})
    del calls[:]
    assert client.post("/api/v1/attention", json=BODY).status_code == 200
    assert calls == []


def test_a_capture_and_its_events_tokenize_once(client, calls):
    response = client.post("/api/v1/captures", json={"text": "another text"}, headers={"Accept": "text/event-stream"})
    assert "event: done" in response.text
    assert calls == ["another text"]


def test_the_id_of_a_capture_is_computed_once(client, monkeypatch):
    from headscope.capture import capture

    ids, capture_id = [], capture.capture_id
    monkeypatch.setattr(capture, "capture_id", lambda *given: ids.append(capture_id(*given)) or ids[-1])
    answer = client.post("/api/v1/attention", json=BODY).json()
    assert ids == [answer["capture"]]
