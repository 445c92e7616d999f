"""The names of a classifier's labels in config.json."""

from typing import Any

MAX_LABELS = 2**16
MAX_LABEL = 200  # characters


def label_names(raw: dict[str, Any]) -> dict[int, str]:
    """Number -> name, from `id2label`; empty unless it names the labels 0, 1, 2, ... with texts.

    A classifier without it is shown with the numbers of its labels.
    """
    given = raw.get("id2label")
    if not isinstance(given, dict) or not 0 < len(given) <= MAX_LABELS:
        return {}
    names = [given.get(str(number)) for number in range(len(given))]
    if not all(isinstance(name, str) for name in names):
        return {}
    return {number: str(name)[:MAX_LABEL] for number, name in enumerate(names)}
