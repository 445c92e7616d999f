"""Folders of the benchmarks. Everything in CACHE can be deleted."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "benchmarks"
CACHE = ROOT / ".bench"  # models, other tools, npm packages; ignored by git
MODELS = CACHE / "models"
