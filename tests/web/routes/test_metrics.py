"""GET /metrics: what is counted, and what is never revealed."""

import prometheus_client
import pytest
from prometheus_client.parser import text_string_to_metric_families
from worlds import serving

from headscope.engine.ledger import PURPOSES

TEXT = "The cat sat on the mat."


def numbers(client):
    """(name, label values sorted by label name) -> value."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    samples = [sample for family in families for sample in family.samples]
    return {(sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value for sample in samples}


def post(client, text=TEXT, **body):
    return client.post("/api/v1/captures", json={"text": text, **body})


def requests(answer):
    return {tuple(labels): value for (name, *labels), value in answer.items() if name == "headscope_requests_total"}


def test_requests_are_counted_by_the_template_of_their_path_by_method_and_status(client):
    at = post(client).headers["location"]
    for query in ("?rows=0:2", "?rows=0:3", "?rows=9:1"):
        client.get(f"{at}/heads/0/1{query}")
    client.head("/healthz")
    client.get("/static/js/main.js")
    assert requests(numbers(client)) == {
        ("POST", "/api/v1/captures", "201"): 1,
        ("GET", "/api/v1/captures/{capture_id}/heads/{layer}/{head}", "200"): 2,
        ("GET", "/api/v1/captures/{capture_id}/heads/{layer}/{head}", "422"): 1,
        ("HEAD", "/healthz", "200"): 1,
        ("GET", "/static/", "200"): 1,
    }
    assert numbers(client)["headscope_request_seconds_count", "GET", "/metrics"] == 1


def test_names_chosen_by_clients_are_not_labels(client):
    client.get("/made/up")
    client.request("BREW", "/healthz")
    client.get("/healthz", headers={"Host": "evil.example"})
    client.post("/api/v1/models/load", json={"model": "made/up"})
    post(client, "a secret word", model="made-up")
    answer = client.get("/metrics").text
    assert not [word for word in ("made", "BREW", "evil", "secret") if word in answer]
    counted = requests(numbers(client))
    assert counted["GET", "other", "404"] == counted["other", "/healthz", "405"] == counted["GET", "other", "421"] == 1


def test_the_limits_stand_beside_the_numbers(settings):
    changes = {"max_capture_bytes": 10_000, "max_model_bytes": 2**30, "max_connections": 40, "max_captures": 7}
    with serving(settings.model_copy(update=changes)) as client:
        limits = {labels[0]: value for (name, *labels), value in numbers(client).items() if name == "headscope_limit"}
    assert limits == {"held_bytes": 10_000, "model_bytes": 2**30, "connections": 40, "captures": 7}


def test_runs_are_counted_by_outcome(settings):
    with serving(settings.model_copy(update={"max_capture_bytes": 10_000})) as client:
        for text in (TEXT, TEXT, "another", "cat " * 99, "the cat sat on the mat " * 4):
            post(client, text)
        answer = numbers(client)
    ended = {how: answer["headscope_runs_ended_total", how] for how in ("finished", "refused", "failed", "stopped")}
    assert answer["headscope_runs_begun_total",] == 4
    assert ended == {"finished": 2, "refused": 2, "failed": 0, "stopped": 0}


def test_a_run_past_its_deadline_is_counted(settings):
    with serving(settings.model_copy(update={"run_seconds": 1e-9})) as client:
        post(client)
        assert numbers(client)["headscope_runs_ended_total", "deadline"] == 1


def test_captures_and_models_in_memory_are_reported_with_their_bytes(client):
    capture = post(client).json()
    answer = numbers(client)
    assert answer["headscope_captures",] == answer["headscope_models",] == 1
    assert answer["headscope_capture_bytes",] == capture["bytes"]
    assert answer["headscope_model_bytes",] > 0
    client.delete(f"/api/v1/captures/{capture['id']}")
    assert numbers(client)["headscope_capture_bytes",] == 0


@pytest.mark.fault(40, decides=True)
def test_the_memory_held_for_requests_is_reported_by_purpose_with_what_was_refused(settings):
    with serving(settings.model_copy(update={"max_capture_bytes": 10_000})) as client:
        capture = post(client).json()
        post(client, "the cat sat on the mat " * 4)  # more than 10,000 bytes
        with client.app.state.runner.ledger.reserve("answers", 1234, "an answer"):
            answer = numbers(client)
        later = numbers(client)
    assert (answer["headscope_held_bytes", "captures"], answer["headscope_held", "captures"]) == (capture["bytes"], 1)
    assert (answer["headscope_held_bytes", "answers"], answer["headscope_held", "answers"]) == (1234, 1)
    assert (later["headscope_held_bytes", "answers"], later["headscope_held", "answers"]) == (0, 0)
    assert {labels[1] for labels in answer if labels[0] == "headscope_held_bytes"} == set(PURPOSES)
    refused = {fits: answer["headscope_memory_refused_total", fits] for fits in ("never", "now")}
    assert refused == {"never": 1, "now": 0}


def test_an_idle_server_reports_no_waiting_requests(client):
    answer = numbers(client)
    assert (
        answer["headscope_waiting", "model"] == answer["headscope_waiting", "reader"] == answer["headscope_dumps",] == 0
    )


def test_the_memory_of_the_process_is_reported(client):
    assert numbers(client)["process_resident_memory_bytes",] > 10**7


def test_two_applications_count_separately(settings):
    with serving(settings) as one, serving(settings) as other:
        one.get("/healthz")
        assert ("headscope_request_seconds_count", "GET", "/healthz") not in numbers(other)
    assert "headscope" not in prometheus_client.generate_latest().decode()


def test_a_bug_is_counted(settings):
    from fastapi.testclient import TestClient

    from headscope.main import create_app

    app = create_app(settings)

    @app.get("/bug")
    async def bug():
        raise ZeroDivisionError

    with TestClient(app, "http://localhost", raise_server_exceptions=False) as client:
        client.get("/bug")
        assert requests(numbers(client))["GET", "/bug", "500"] == 1
