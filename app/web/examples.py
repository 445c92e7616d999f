"""Sentences to start with, each with what to look for; the page offers them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Probe:
    name: str
    text: str
    look_for: str


PROBES = (
    Probe(
        "pronoun",
        "The trophy does not fit into the suitcase because it is too big.",
        "Does a head carry “it” back to “trophy” or to “suitcase”?",
    ),
    Probe(
        "agreement",
        "The keys that the man with the old dogs lost are on the table.",
        "Verbs looking for their subject: “are” belongs to “keys”, past “man” and “dogs”.",
    ),
    Probe(
        "repeat",
        "The old bird spoke to a white horse. The old bird spoke to a white horse.",
        "Induction: on gpt2-mini, the second “bird” looks at “spoke”, which followed the first.",
    ),
    Probe(
        "list",
        "She bought apples, pears, plums, cherries, and a loaf of bread.",
        "Commas and neighbours: heads that look one token back, or at every comma.",
    ),
    Probe(
        "code",
        "for (i = 0; i < n; i = i + 1) { total = total + price[i]; }",
        "Brackets that look for their partner, and names for their last use.",
    ),
)
