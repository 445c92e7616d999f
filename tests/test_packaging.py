"""The wheel and the sdist contain every file, and the lock files agree with each other and name no package index."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from headscope.web.documents import NAMES as DOCUMENTS

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = sorted(ROOT.glob("requirements*.lock"))


def pins(lock: str) -> dict[str, list[Requirement]]:
    """Name -> pinned requirements: one, or one for each range of Python versions."""
    found: dict[str, list[Requirement]] = {}
    for line in (ROOT / lock).read_text().splitlines():
        if re.match(r"[a-z0-9]", line):
            pin = Requirement(line.removesuffix("\\").strip())
            found.setdefault(canonicalize_name(pin.name), []).append(pin)
    return found


def built(kind: str, folder: Path) -> Path:
    """A wheel or an sdist of this checkout, built from a copy, because a build leaves files behind."""
    tree = folder / "tree"
    tree.mkdir()
    for name in ("app", "templates", "static", "docs"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("README.md", "LICENSE", "CHANGELOG.md", "SECURITY.md", "MANIFEST.in", "pyproject.toml", "setup.py"):
        shutil.copy(ROOT / name, tree)
    for stale in ("build/lib/headscope/engine/removed.py", "build/lib/app/removed.py"):  # of an earlier build
        (tree / stale).parent.mkdir(parents=True)
        (tree / stale).write_text("")
    code = f"from setuptools import build_meta; print(build_meta.build_{kind}({str(folder)!r}))"
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the unpacked wheel of this checkout, as after an installation."""
    folder = tmp_path_factory.mktemp("wheel")
    with zipfile.ZipFile(built("wheel", folder)) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.fixture(scope="module")
def wheel(installed: Path) -> set[str]:
    """The names of the files in the wheel."""
    return {path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file()}


def files_below(folder: str) -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file()}


@pytest.mark.parametrize("folder", ["templates", "static"])
def test_the_wheel_holds_every_file_of_the_page(wheel: set[str], folder: str) -> None:
    assert files_below(folder)
    assert {f"headscope/{name}" for name in files_below(folder)} <= wheel


def test_the_wheel_holds_every_module_and_the_bundled_model(wheel: set[str]) -> None:
    expected = {name for name in files_below("app") if "__pycache__" not in name}
    assert {name.replace("app/", "headscope/", 1) for name in expected} <= wheel


def test_the_wheel_holds_the_documents_that_the_server_answers(wheel: set[str]) -> None:
    assert {name for name in wheel if name.startswith("headscope/docs/")} == {
        f"headscope/docs/{name}.md" for name in DOCUMENTS
    }


def test_the_wheel_holds_no_file_of_an_earlier_build(wheel: set[str]) -> None:
    assert not [name for name in wheel if "removed" in name]


def test_the_wheel_holds_only_the_package_headscope(wheel: set[str]) -> None:
    about = f"headscope-{PROJECT['project']['version']}.dist-info"
    assert {name.split("/")[0] for name in wheel} == {"headscope", about}
    assert not [name for name in wheel if "__pycache__" in name]


def test_every_folder_with_code_is_listed_as_a_package() -> None:
    folders = {path.parent.relative_to(ROOT / "app").as_posix() for path in (ROOT / "app").rglob("__init__.py")}
    assert {path.parent.relative_to(ROOT / "app").as_posix() for path in (ROOT / "app").rglob("*.py")} == folders
    named = {".".join(["headscope", *(part for part in folder.split("/") if part != ".")]) for folder in folders}
    listed = PROJECT["tool"]["setuptools"]["packages"]
    assert listed == sorted(set(listed), key=listed.index)
    assert set(listed) == named | {"headscope.templates", "headscope.static", "headscope.docs"}


def test_the_sdist_holds_what_the_wheel_is_built_from(tmp_path: Path) -> None:
    with tarfile.open(built("sdist", tmp_path)) as archive:
        names = {"/".join(name.split("/")[1:]) for name in archive.getnames()}
    expected = {name for folder in ("app", "templates", "static") for name in files_below(folder)}
    expected = {name for name in expected if "__pycache__" not in name}
    expected |= {f"docs/{name}.md" for name in DOCUMENTS}
    assert expected | {"README.md", "LICENSE", "CHANGELOG.md", "SECURITY.md", "pyproject.toml"} <= names


def test_the_package_is_imported_without_torch() -> None:
    code = "import sys, headscope; print([name for name in ('torch', 'transformers', 'app') if name in sys.modules])"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output == "[]\n"


SERVE_THREE_FILES = """
from fastapi.testclient import TestClient
from headscope import main
from headscope.settings import Settings
client = TestClient(main.create_app(Settings()), base_url="http://127.0.0.1")
print(main.__file__, client.get("/").status_code, client.get("/static/js/main.js").status_code)
print(client.get("/docs/glossary").status_code)
"""


def test_an_installed_wheel_serves_its_own_page(installed: Path, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(installed)}
    command = [sys.executable, "-c", SERVE_THREE_FILES]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [str(installed / "headscope" / "main.py"), "200", "200", "200"], done.stderr


@pytest.mark.parametrize("lock", [path.name for path in LOCKS])
def test_locks_do_not_contain_torch(lock: str) -> None:
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


def test_the_development_lock_contains_the_other_lock() -> None:
    developers = pins("requirements-dev.lock")
    assert pins("requirements.lock").items() <= developers.items()


def test_makefile_lock_and_image_have_the_same_version_of_torch() -> None:
    [made] = re.findall(r"^TORCH := (\S+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    [image] = re.findall(r"^ARG TORCH=(\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    [locked] = PROJECT["tool"]["uv"]["constraint-dependencies"]
    assert (made, f"torch=={made}") == (image, locked)
