"""/openapi.json: the live server does what its schema says, for any request that the schema allows."""

import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

# The valid layers, heads and windows depend on the model and the text: a schema cannot contain them.
EXCLUDED = "positive_data_acceptance"


@pytest.mark.timeout(500)
def test_the_server_does_what_its_schema_says(url, tmp_path):
    command = [Path(sys.executable).with_name("st"), "run", f"{url}/openapi.json", "--seed", "1", "--no-color"]
    command += ["--max-examples", "10", "--phases", "coverage,fuzzing,stateful", "--exclude-checks", EXCLUDED]
    command += ["--request-timeout", "100"]  # the probe takes seconds on a busy machine
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr
    operations = sum(map(len, httpx2.get(f"{url}/openapi.json", timeout=60).json()["paths"].values()))
    assert f"{operations} selected / {operations} total" in done.stdout


def test_the_schema_lists_the_binary_formats_of_arrays(client):
    operations = client.get("/openapi.json").json()["paths"]
    dump = operations["/api/v1/attention"]["post"]["responses"]["200"]["content"]
    for kind in ("npy", "npz", "safetensors"):
        assert dump[f"application/x-{kind}"]["schema"] == {"type": "string", "format": "binary"}
