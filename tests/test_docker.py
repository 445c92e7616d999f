"""Dockerfile and compose.yaml, without building the image; scripts/docker-check builds and starts it."""

import json
import re
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml

from headscope.settings import Settings
from headscope.web.connections import OTHER_FILES
from headscope.web.server import CLOSE_SECONDS, FINISH_SECONDS

ROOT = Path(__file__).resolve().parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
[SERVICE] = COMPOSE["services"].values()


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (421, True), (500, False)])
def test_the_health_check_accepts_every_status_below_500(status, healthy):
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status if self.path == "/healthz" else 500)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.handle_request).start()
        assert (health_check(server.server_port) == 0) is healthy


def test_the_health_check_fails_if_nothing_listens():
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        port = server.server_port
    assert health_check(port) != 0


def health_check(port):
    [_, *arguments] = json.loads(re.search(r"HEALTHCHECK [^[]*(\[.*\])", DOCKERFILE).group(1))
    command = [sys.executable, *(part.replace("8000", str(port)) for part in arguments)]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode


def test_the_container_has_few_rights_and_listens_on_this_machine_only():
    assert SERVICE["read_only"] is True
    assert SERVICE["cap_drop"] == ["ALL"]
    assert SERVICE["security_opt"] == ["no-new-privileges:true"]
    assert SERVICE["ports"] == ["127.0.0.1:8000:8000"]
    assert re.search(r"^USER (?!root)", DOCKERFILE, re.MULTILINE)


def default_of(value):
    """`${NAME:-default}` -> default."""
    return re.fullmatch(r"\$\{\w+:-(\w+)\}", value).group(1)


@pytest.mark.fault(51)
def test_the_container_has_limits_of_memory_processes_files_and_temporary_files():
    memory = int(default_of(SERVICE["mem_limit"]).removesuffix("g")) * 2**30
    held = [int(default_of(SERVICE["environment"][f"HEADSCOPE_MAX_{what}_BYTES"])) for what in ("MODEL", "CAPTURE")]
    # The interpreter, torch, and the work of a run need less than 1 GiB, and so do processes that check foreign models.
    assert sum(held) + 2 * 2**30 <= memory
    assert SERVICE["memswap_limit"] == SERVICE["mem_limit"]
    assert SERVICE["tmpfs"] == ["/tmp:size=64m"]
    assert SERVICE["pids_limit"] == 256
    assert SERVICE["ulimits"]["nofile"] >= Settings.model_fields["max_connections"].default + OTHER_FILES


@pytest.mark.fault(51)
def test_a_container_without_compose_and_a_service_get_the_same_limits():
    page = (ROOT / "docs/deployment.md").read_text()
    limits = (
        f"--memory {default_of(SERVICE['mem_limit'])}",
        "--tmpfs /tmp:size=64m",
        "--pids-limit 256",
        "nofile=4096",
    )
    assert [limit for limit in limits if limit not in page] == []
    assert [limit for limit in ("MemoryMax=5G", "TasksMax=256", "LimitNOFILE=4096") if f"\n{limit}\n" not in page] == []


@pytest.mark.fault(51)
def test_the_proxy_of_the_recipe_limits_each_client():
    """Headscope itself does not limit the connections of a proxy that it trusts."""
    nginx = (ROOT / "docs/deployment.md").read_text().partition("```nginx")[2].partition("```")[0]
    for limit, zone in (("limit_conn", "limit_conn_zone"), ("limit_req", "limit_req_zone")):
        [declared] = re.findall(rf"^{zone} .*zone=(\w+):", nginx, re.MULTILINE)
        assert re.search(rf"^    {limit} .*{declared}", nginx, re.MULTILINE)


@pytest.mark.fault(51)
def test_the_base_image_is_an_exact_version():
    assert re.search(r"^ARG BASE=docker\.io/library/python:3\.\d+\.\d+-slim-\w+$", DOCKERFILE, re.MULTILINE)


def test_the_container_waits_until_the_server_has_stopped():
    assert int(SERVICE["stop_grace_period"].removesuffix("s")) >= FINISH_SECONDS + CLOSE_SECONDS


def test_compose_asks_for_a_missing_key():
    assert re.match(r"\$\{HEADSCOPE_API_KEY:\?set it to a key", SERVICE["environment"]["HEADSCOPE_API_KEY"])


def test_compose_passes_on_what_a_server_behind_a_proxy_needs():
    passed = {name for name, value in SERVICE["environment"].items() if value is None}
    assert {"FORWARDED_ALLOW_IPS", "HEADSCOPE_ALLOWED_HOSTS", "HEADSCOPE_REQUESTS_PER_MINUTE"} <= passed
    known = {f"HEADSCOPE_{name.upper()}" for name in Settings.model_fields}
    assert passed - {"FORWARDED_ALLOW_IPS"} <= known
    page = (ROOT / "docs/deployment.md").read_text()
    assert [name for name in SERVICE["environment"] if f"`{name}`" not in page] == []


def test_models_of_the_hub_are_stored_in_the_volume():
    assert SERVICE["volumes"] == ["models:/models"]
    assert re.search(r"HF_HOME=/models$", DOCKERFILE, re.MULTILINE)
    assert "\nVOLUME /models\n" in DOCKERFILE
