"""No request imports torch on the event loop: that takes seconds, and happens in a worker with the first model."""

import json
import subprocess
import sys

import pytest

# Without its lifespan, the application does not load the default model.
PROGRAM = """
import json, sys, threading
from starlette.testclient import TestClient
from headscope.main import create_app
from headscope.settings import Settings

app = create_app(Settings(model="gpt2-mini"))
client = TestClient(app, base_url="http://localhost")
paths = client.get("/openapi.json").json()["paths"]
found = {}
for path, methods in paths.items():
    for method in methods:
        if "{capture_id}" in path:
            url = path.format(capture_id="0" * 16, layer=0, head=0)
            body = {"queries": [0]} if method == "post" else None
            status = client.request(method, url, json=body).status_code
            found[method + " " + path] = [status, "torch" in sys.modules]
loop = []

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            import asyncio
            loop.append(asyncio._get_running_loop() is not None)

sys.meta_path.insert(0, Finder())
probed = client.post("/api/v1/probes/induction", json={}).status_code
print(json.dumps([found, probed, loop]))
"""


@pytest.fixture(scope="module")
def answers():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=100, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.fault(41, 43)
def test_requests_for_a_capture_that_does_not_exist_import_nothing(answers):
    found, _, _ = answers
    assert len(found) >= 12
    assert {path: each for path, each in found.items() if each[1] or each[0] != 404} == {}


@pytest.mark.fault(41, 43)
def test_the_probe_imports_torch_with_its_model_in_a_worker(answers):
    _, probed, on_the_loop = answers
    assert probed == 200
    assert set(on_the_loop) == {False}
