"""What can be known of the image without building it; scripts/docker-check builds and starts it."""

import json
import re
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml

from headscope.web.server import CUT_OFF_SECONDS, FINISH_SECONDS

ROOT = Path(__file__).resolve().parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
[SERVICE] = COMPOSE["services"].values()


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (421, True), (500, False)])
def test_the_health_check_takes_any_answer_but_a_fault_of_the_server(status, healthy):
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status if self.path == "/healthz" else 500)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.handle_request).start()
        assert (health_check(server.server_port) == 0) is healthy


def test_the_health_check_fails_where_nothing_listens():
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        port = server.server_port
    assert health_check(port) != 0


def health_check(port):
    [_, *arguments] = json.loads(re.search(r"HEALTHCHECK [^[]*(\[.*\])", DOCKERFILE).group(1))
    command = [sys.executable, *(part.replace("8000", str(port)) for part in arguments)]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode


def test_the_container_can_do_little_and_is_reached_from_this_machine_alone():
    assert SERVICE["read_only"] is True
    assert SERVICE["tmpfs"] == ["/tmp"]
    assert SERVICE["cap_drop"] == ["ALL"]
    assert SERVICE["security_opt"] == ["no-new-privileges:true"]
    assert SERVICE["ports"] == ["127.0.0.1:8000:8000"]
    assert re.search(r"^USER (?!root)", DOCKERFILE, re.MULTILINE)


def test_the_container_has_the_time_that_the_server_takes_to_stop():
    assert int(SERVICE["stop_grace_period"].removesuffix("s")) >= FINISH_SECONDS + CUT_OFF_SECONDS


def test_compose_says_what_to_do_where_the_key_is_missing():
    assert re.match(r"\$\{HEADSCOPE_API_KEY:\?set it to a key", SERVICE["environment"]["HEADSCOPE_API_KEY"])


def test_the_volume_of_models_is_where_hugging_face_keeps_them():
    assert SERVICE["volumes"] == ["models:/models"]
    assert re.search(r"HF_HOME=/models$", DOCKERFILE, re.MULTILINE)
    assert "\nVOLUME /models\n" in DOCKERFILE
