"""Where the benchmarks keep what they make: all of it can be thrown away."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "benchmarks"
CACHE = ROOT / ".bench"  # models, peers, npm packages; git does not look there
MODELS = CACHE / "models"
