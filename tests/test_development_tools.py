"""Development tools: their configuration can be parsed, and what it calls exists."""

import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
MAKEFILE = (ROOT / "Makefile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ISSUE_FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))


def parsed(path: str):
    return yaml.safe_load((ROOT / path).read_text())


def test_ci_runs_the_script_that_runs_every_check():
    workflow = parsed(".github/workflows/ci.yml")
    [job] = workflow["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == ["bash .ci/run"]
    assert "make test" in (ROOT / ".ci/run").read_text()
    assert re.search(r"^test: lint test-page test-python ", MAKEFILE, re.MULTILINE)


def test_ci_uses_the_oldest_python_that_is_supported():
    [job] = parsed(".github/workflows/ci.yml")["jobs"].values()
    [python] = [step["with"]["python-version"] for step in job["steps"] if "python-version" in step.get("with", {})]
    assert PROJECT["project"]["requires-python"] == f">={python}"


def test_dependabot_watches_folders_that_have_a_manifest():
    manifests = {"pip": "pyproject.toml", "npm": "package.json", "github-actions": ".github/workflows"}
    updates = parsed(".github/dependabot.yml")["updates"]
    assert {update["package-ecosystem"] for update in updates} == set(manifests)
    for update in updates:
        assert (ROOT / update["directory"].strip("/") / manifests[update["package-ecosystem"]]).exists()


@pytest.mark.parametrize(
    "path", [path for path in ISSUE_FORMS if path.name != "config.yml"], ids=lambda path: path.name
)
def test_an_issue_form_has_what_github_requires(path):
    form = yaml.safe_load(path.read_text())
    assert form["name"]
    assert form["description"]
    ids = [field["id"] for field in form["body"]]
    assert len(set(ids)) == len(ids)
    assert all(field["type"] == "textarea" and field["attributes"]["label"] for field in form["body"])


def test_there_are_forms_for_bugs_and_features():
    assert {path.name for path in ISSUE_FORMS} == {"bug.yml", "feature.yml", "config.yml"}


def test_the_pull_request_template_links_files_that_exist():
    folder = ROOT / ".github"
    links = re.findall(r"\]\(([^)]+)\)", (folder / "pull_request_template.md").read_text())
    assert links
    assert all((folder / link).exists() for link in links)


def test_the_citation_names_the_released_version_and_licence():
    citation = parsed("CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    project = PROJECT["project"]
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])


# pre-commit


def hooks():
    [repository] = parsed(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    return repository["hooks"]


def run_hook(hook: str, file: Path):
    [entry] = [each["entry"] for each in hooks() if each["id"] == hook]
    command = [*shlex.split(entry), str(file)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_pre_commit_accepts_its_configuration():
    from pre_commit.clientlib import load_config

    assert [hook["id"] for hook in load_config(ROOT / ".pre-commit-config.yaml")["repos"][0]["hooks"]] == [
        "ruff-check",
        "ruff-format",
        "biome",
    ]


@pytest.mark.parametrize(
    ("hook", "good", "bad", "suffix"),
    [
        ("ruff-check", "x = 1\n", "import os\n", ".py"),
        ("ruff-format", "x = 1\n", "x  =  1\n", ".py"),
        ("biome", "export const x = 1;\n", "export var x = 1\n", ".js"),
    ],
)
def test_a_hook_passes_good_code_and_stops_bad_code(hook, good, bad, suffix, tmp_path):
    for code, fails in ((good, False), (bad, True)):
        # biome checks files below these folders only, so the file is there for the moment of the check.
        file = tmp_path / f"example{suffix}" if suffix == ".py" else ROOT / f"tests/js/example-{os.getpid()}.js"
        file.write_text(code)
        try:
            done = run_hook(hook, file)
        finally:
            file.unlink()
        assert (done.returncode != 0) is fails, done.stdout + done.stderr


# make


def run_make(*arguments: str) -> str:
    """Without the flags and variables of the `make` that runs these tests."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE") and name != "ARGS"}
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout


def recipe(target: str, *variables: str) -> str:
    """The last command that `make target` would run."""
    said = run_make("--dry-run", target, *variables)
    return said.replace("\\\n", " ").strip().splitlines()[-1]


def test_make_coverage_measures_the_server_without_a_required_percentage():
    command = recipe("coverage", "ARGS=tests/attention")
    assert "--cov=app --cov-report=term-missing:skip-covered tests/attention" in command
    assert "fail_under" not in str(PROJECT["tool"]["coverage"])
    assert "--cov-fail-under" not in command


def test_make_help_lists_every_target():
    said = run_make("help")
    targets = re.search(r"^\.PHONY: (.*?[^\\])$", MAKEFILE, re.MULTILINE | re.DOTALL).group(1)
    assert {line.split()[1] for line in said.splitlines()} == set(targets.replace("\\", "").split())


def test_make_dev_prints_its_address_and_restarts_after_a_change(tmp_path):
    [watch, *rest] = shlex.split(recipe("dev", "PORT=0"))
    assert watch.endswith("/bin/watchfiles")
    assert rest[-3:] == ["app", "templates", "static"]
    assert all((ROOT / folder).is_dir() for folder in rest[-3:])
    watched = tmp_path / "watched"
    watched.mkdir()
    # In the test, the one folder that is watched is ours: a change in the real ones would disturb other tests.
    process = subprocess.Popen(
        [sys.executable, "-m", "watchfiles", *rest[:-3], str(watched)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout.readline().startswith("Headscope ")
        (watched / "changed.py").write_text("x = 1\n")
        second = process.stdout.readline()
        assert re.search(r"on http://127\.0\.0\.1:\d+", second)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        process.stdout.close()
