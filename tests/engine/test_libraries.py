"""Settings of libraries that have to be made before they are imported."""

import os
import subprocess
import sys

import pytest

SERVER = """
import os, socket, sys
from headscope.cli.serve import run_server
from headscope.web import server
def started(*_): raise SystemExit(os.environ["OMP_WAIT_POLICY"] + " late" * ("torch" in sys.modules))
server.Server.__init__ = started
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
from headscope.settings import Settings
run_server(Settings(open=False), listener)
"""


@pytest.mark.parametrize(("chosen", "wanted"), [({}, "passive"), ({"OMP_WAIT_POLICY": "active"}, "active")])
def test_a_server_sets_how_threads_wait_before_torch_is_imported(chosen, wanted):
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"} | chosen
    done = subprocess.run([sys.executable, "-c", SERVER], env=environment, capture_output=True, text=True, check=False)
    assert done.stderr.strip().splitlines()[-1] == wanted
