"""scripts/readme_picture.py still finds the parts of the page that it waits for."""

import os
import subprocess
import sys
from pathlib import Path

from .conftest import chromium

ROOT = Path(__file__).resolve().parents[2]


def test_the_script_takes_a_picture_of_the_page(server, tmp_path):
    command = [sys.executable, ROOT / "scripts" / "readme_picture.py", server, tmp_path / "page.png"]
    subprocess.run(command, env=os.environ | {"HEADSCOPE_CHROMIUM": chromium()}, check=True)
    assert (tmp_path / "page.png").read_bytes()[16:24] == (1280).to_bytes(4) + (900).to_bytes(4)
