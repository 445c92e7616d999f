"""What we ship and what we pin: the wheel holds the page, the locks fit together and name no index."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = sorted(ROOT.glob("requirements*.lock"))


def pins(lock: str) -> dict[str, list[Requirement]]:
    """Name -> its pins: one, or one for each range of Python."""
    found: dict[str, list[Requirement]] = {}
    for line in (ROOT / lock).read_text().splitlines():
        if re.match(r"[a-z0-9]", line):
            pin = Requirement(line.removesuffix("\\").strip())
            found.setdefault(canonicalize_name(pin.name), []).append(pin)
    return found


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel of this very tree unpacked, as an installation would."""
    folder = tmp_path_factory.mktemp("wheel")
    [path] = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.fixture(scope="module")
def wheel(installed: Path) -> set[str]:
    """The names in the wheel."""
    return {path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file()}


@pytest.mark.parametrize("folder", ["templates", "static"])
def test_the_wheel_holds_every_file_of_the_page(wheel: set[str], folder: str) -> None:
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file()}
    assert files
    assert {f"app/{name}" for name in files} <= wheel


def test_the_wheel_holds_the_bundled_model(wheel: set[str]) -> None:
    assert any(re.fullmatch(r"app/models/bundled/.+\.safetensors", name) for name in wheel)


def test_the_wheel_holds_the_app_and_nothing_else(wheel: set[str]) -> None:
    assert {name.split("/")[0] for name in wheel} == {"app", f"headscope-{PROJECT['project']['version']}.dist-info"}
    assert not [name for name in wheel if "__pycache__" in name]


SERVE_TWO_FILES = """
from fastapi.testclient import TestClient
from app import main
from app.settings import Settings
client = TestClient(main.create_app(Settings()), base_url="http://127.0.0.1")
print(main.__file__, client.get("/").status_code, client.get("/static/js/main.js").status_code)
"""


def test_an_installed_wheel_serves_its_own_page(installed: Path, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(installed)}
    command = [sys.executable, "-c", SERVE_TWO_FILES]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [str(installed / "app" / "main.py"), "200", "200"], done.stderr


@pytest.mark.parametrize("lock", [path.name for path in LOCKS])
def test_locks_leave_the_build_of_torch_to_the_machine(lock: str) -> None:
    assert not [name for name in pins(lock) if re.match(r"torch|triton|nvidia|cuda", name)]


@pytest.mark.parametrize("file", [*(path.name for path in LOCKS), "package-lock.json"])
def test_locks_name_no_index(file: str) -> None:
    text = (ROOT / file).read_text()
    assert not re.findall(r"https?://\S*(?:pypi|pythonhosted|npmjs)\S*|--(?:extra-)?index-url", text)


def test_every_dependency_is_locked_within_its_range() -> None:
    locked = pins("requirements.lock")
    for wanted in map(Requirement, PROJECT["project"]["dependencies"]):
        if wanted.name == "torch":
            continue
        for pin in locked[canonicalize_name(wanted.name)]:
            [version] = [specifier.version for specifier in pin.specifier]
            assert version in wanted.specifier, f"{wanted} but the lock has {version}: make lock"


def test_the_developers_lock_adds_to_the_other_and_changes_nothing() -> None:
    developers = pins("requirements-dev.lock")
    assert pins("requirements.lock").items() <= developers.items()


def test_torch_is_one_version_in_makefile_lock_and_image() -> None:
    [made] = re.findall(r"^TORCH := (\S+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    [image] = re.findall(r"^ARG TORCH=(\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    [locked] = PROJECT["tool"]["uv"]["constraint-dependencies"]
    assert (made, f"torch=={made}") == (image, locked)
