"""Which parameter of a model each name in its weights file stands for.

Names differ in what stands before them: `bert.encoder...`, `module.bert.encoder...`, `encoder...`. One prefix is found
for the whole file, so that weights of several models in one file are not mixed.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

from transformers import PreTrainedModel
from transformers.conversion_mapping import get_checkpoint_conversion_mapping
from transformers.core_model_loading import WeightRenaming

from ..errors import WeightsDoNotFit
from .file_names import WEIGHTS

# Old checkpoints of TensorFlow have these names. transformers renames them with the same patterns.
OLD_NAMES = ((re.compile("LayerNorm.gamma"), "LayerNorm.weight"), (re.compile("LayerNorm.beta"), "LayerNorm.bias"))
MAX_DEPTH = 8  # parts of a prefix


class StoredNames:
    """The names in a weights file: `plain` is the name with its current spelling -> the name in the file."""

    def __init__(self, names: Iterable[str]) -> None:
        self.plain: dict[str, str] = {}
        for name in names:
            refuse_repeated(self.plain.setdefault(current(name), name), name)

    def prefix_of(self, base: Collection[str], own: str) -> str:
        """What stands before the names of the model without a head: `bert.`, or nothing.

        base: the names of its parameters. own: the prefix that transformers gives them in models with a head.
        Raises WeightsDoNotFit if the file has the weights of several such models, or some weights twice.
        """
        found = Counter(prefix for name in self.plain for prefix in prefixes(name, base))
        most = max(found.values(), default=0)
        best = [prefix for prefix, count in found.items() if count == most]
        if len(best) > 1 and most > len(base) // 2:
            named = ", ".join(repr(prefix[:80]) for prefix in sorted(best)[:4])
            raise WeightsDoNotFit(f"{WEIGHTS} has {len(best)} models, below {named}: save one of them on its own")
        prefix = best[0] if len(best) == 1 else ""
        for other in {"", own} & set(found) - {prefix}:
            self.refuse_both(base, prefix, other)
        return prefix

    def renamed(self, class_name: str, outer: str) -> dict[str, str]:
        """Parameter -> name in the file, for a class whose parameters transformers saves under other names.

        outer: what stands before all names in the file
        """
        rules = [rule for rule in get_checkpoint_conversion_mapping(class_name) or () if type(rule) is WeightRenaming]
        found = {}
        for plain, name in self.plain.items() if rules else ():
            new = plain.removeprefix(outer)
            for rule in rules:
                new, _ = rule.rename_source_key(new)
            found[new] = name
        return found

    def refuse_both(self, base: Iterable[str], prefix: str, other: str) -> None:
        """Raises WeightsDoNotFit if a parameter is there with both prefixes: one of the two would be dropped."""
        for name in base:
            if prefix + name in self.plain and other + name in self.plain:
                refuse_repeated(self.plain[prefix + name], self.plain[other + name])


def current(name: str) -> str:
    for old, new in OLD_NAMES:
        name = old.sub(new, name)
    return name


def prefixes(name: str, base: Collection[str]) -> Iterator[str]:
    """All beginnings of a name after which a name of `base` follows."""
    start = 0
    for _ in range(MAX_DEPTH):
        if name[start:] in base:
            yield name[:start]
        start = name.find(".", start) + 1
        if start == 0:
            return


def refuse_repeated(one: str, other: str) -> None:
    if one != other:
        raise WeightsDoNotFit(
            f"{one[:200]!r} and {other[:200]!r} in {WEIGHTS} are the same parameter: remove one of them"
        )


def tied_groups(tied: Mapping[str, str]) -> dict[str, set[str]]:
    """Parameter -> all parameters that share its weights; one of them is enough."""
    groups: dict[str, set[str]] = {}
    for target, source in tied.items():
        group = groups.get(source, {source}) | groups.get(target, {target})
        groups.update(dict.fromkeys(group, group))
    return groups


def is_computed(model: PreTrainedModel, name: str) -> bool:
    """Whether transformers computes this weight where a checkpoint does not have it: sines of Marian, and zeros."""
    owner, _, last = name.rpartition(".")
    allowed = any(re.search(pattern, name) for pattern in model._keys_to_ignore_on_load_missing or ())
    return allowed and (last == "final_logits_bias" or hasattr(model.get_submodule(owner), "create_weight"))
