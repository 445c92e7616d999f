"""The lists of model types in docs/models.md, made from types.json and the lists in app/models/types.py."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from textwrap import shorten
from typing import Any

from .paths import ROOT
from .types import TYPES, exact

DOCUMENT = ROOT / "docs" / "models.md"
BEGIN, END = "<!-- model types: made by `python -m benchmarks types` -->", "<!-- end of model types -->"

MAX_REASON = 160  # characters

AFTERWARDS = (
    "transformers' eager attention applies sinks of this type after the weights that it returns: these sum to 1, "
    "those that the model uses do not"
)
# Instead of the error, for types whose reason is known.
REASONS = dict.fromkeys(("granite_swa", "granitemoe_swa"), AFTERWARDS)


def report(found: dict[str, dict[str, Any]]) -> str:
    """What happens with each model type, in Markdown."""
    from headscope.models.types import FOLLOWED, INTERFACE, REFUSED_TYPES

    shown = {name: of_type for name, of_type in found.items() if exact(of_type)}
    loaded = {name for name, of_type in shown.items() if "errors_loaded" in of_type}
    groups = [
        ("shown, through transformers' attention interface", loaded & INTERFACE),
        ("shown, its operations are followed", loaded & FOLLOWED),
    ]
    lines = [f"- **{title}** ({len(names)}): {in_words(names)}" for title, names in groups]
    lines += list(
        of_reasons("exact, but not loaded from files yet", {name: shown[name] for name in shown.keys() - loaded})
    )
    lines += list(of_reasons("refused when it is loaded", {name: found[name] for name in found.keys() - shown.keys()}))
    by_reason: defaultdict[str, list[str]] = defaultdict(list)
    for name, reason in REFUSED_TYPES.items():
        by_reason[reason].append(name)
    lines += [f"- **refused: {reason}** ({len(names)}): {in_words(names)}" for reason, names in by_reason.items()]
    square = [name for name in loaded if shown[name]["square"]]
    lines += [
        f"- **with a mask or a bias that grows with the square of the tokens** ({len(square)}): {in_words(square)}"
    ]
    return "\n".join(lines)


def of_reasons(title: str, found: dict[str, dict[str, Any]]) -> Iterator[str]:
    """A line for the types, with the reason for each."""
    if found:
        yield f"- **{title}** ({len(found)}):"
    for name in sorted(found):
        yield f"  - {name}: " + REASONS.get(name, f"`{reason_in(found[name].get('remark', ''))}`")


def reason_in(remark: str) -> str:
    """The message of the error in a remark, cut at a word. Before it are the step and the class of the error."""
    message = re.sub(r"^\w+: \w+: ", "", remark).translate({ord("|"): " ", ord("`"): None})
    return shorten(message, MAX_REASON, placeholder=" ...")


def in_words(names: Iterable[str]) -> str:
    return " ".join(sorted(names))


def write(path: Path = DOCUMENT) -> None:
    """Replace the lists in the document."""
    text = path.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{BEGIN}\n\n{report(json.loads(TYPES.read_text()))}\n\n{END}{after}")
