"""Example sentences of the page, each with what to look for in its patterns."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ExampleSentence:
    name: str
    text: str
    look_for: str


EXAMPLES = (
    ExampleSentence(
        "pronoun",
        "The trophy does not fit into the suitcase because it is too big.",
        "Does a head attend from “it” to “trophy” or to “suitcase”?",
    ),
    ExampleSentence(
        "agreement",
        "The keys that the man with the old dogs lost are on the table.",
        "Heads that attend from a verb to its subject: “are” belongs to “keys”, not to “man” or “dogs”.",
    ),
    ExampleSentence(
        "repeat",
        "The old bird spoke to a white horse. The old bird spoke to a white horse.",
        "Induction, on gpt2-mini, and in head 18.6 of smollm2: the second “bird” attends to what followed the first.",
    ),
    ExampleSentence(
        "list",
        "She bought apples, pears, plums, cherries, and a loaf of bread.",
        "Heads that attend to the previous token, and heads that attend to every comma.",
    ),
    ExampleSentence(
        "code",
        "for (i = 0; i < n; i = i + 1) { total = total + price[i]; }",
        "Heads that attend from a closing bracket to its opening one, and from a name to its last use.",
    ),
)
