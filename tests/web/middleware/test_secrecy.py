"""Texts and keys are in no log and in no metric, and no page may load or send anything elsewhere."""

import logging
import secrets

import pytest
from worlds import serving

from headscope.settings import Settings

KEY = "a-key-that-is-long-enough"
WRONG = "a-wrong-key-of-some-length"
SECRET = "xylophone"


@pytest.fixture
def shared(models_dir):
    """A client of a shared server."""
    settings = Settings(host="0.0.0.0", api_key=KEY, model="local:gpt2", models_dir=models_dir)
    with serving(settings, headers={"Authorization": f"Bearer {KEY}"}) as client:
        yield client


@pytest.mark.fault(35, 36)
def test_no_text_and_no_key_is_logged_at_any_level_or_counted_by_name(shared, caplog):
    caplog.set_level(logging.WARNING, logger="httpx2")  # the client of the test
    caplog.set_level(logging.DEBUG)
    address = shared.post("/api/v1/captures", json={"text": SECRET}).headers["location"]
    shared.post("/api/v1/captures", json={"text": f"{SECRET} cat"}, headers={"Accept": "text/event-stream"})
    shared.get(f"{address}/words")
    shared.post("/api/v1/attention", json={"text": SECRET * 99, SECRET: 1})
    shared.post("/api/v1/attention", json={"text": f"{SECRET} " * 99, "truncate": True, "verify": True})
    shared.post("/api/v1/attention", content=f'{{"text": "{SECRET}', headers={"Content-Type": "application/json"})
    shared.get(f"/api/v1/models?{SECRET}={SECRET}")
    shared.get("/api/v1/models", headers={"Authorization": f"Bearer {WRONG}"})
    assert len(caplog.records) >= 8
    for found in (caplog.text, shared.get("/metrics").text):
        assert SECRET not in found
        assert KEY not in found
        assert WRONG not in found


@pytest.mark.fault(35)
def test_keys_are_compared_in_constant_time(shared, monkeypatch):
    compared, compare = [], secrets.compare_digest
    monkeypatch.setattr(secrets, "compare_digest", lambda *given: compared.append(given) or compare(*given))
    assert shared.get("/api/v1/models").status_code == 200
    assert shared.get("/api/v1/models", headers={"Authorization": f"Bearer {WRONG}"}).status_code == 401
    assert set(compared) == {(KEY.encode(), KEY.encode()), (WRONG.encode(), KEY.encode())}


@pytest.mark.fault(31)
def test_the_content_security_policy_allows_only_what_this_server_serves(shared):
    assert shared.get("/").headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src-elem 'self'; style-src-attr 'unsafe-inline'; "
        "img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    )
