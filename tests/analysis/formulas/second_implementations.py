"""A second implementation of the row scores in plain Python, one weight at a time. None: the query is not counted."""

import math
import unicodedata


def entropy(A, i, text):
    return -sum(a * math.log2(a) for a in A[i] if a > 0)


def normalised_entropy(A, i, text):
    seen = len(text.seen(i))
    return entropy(A, i, text) / math.log2(seen) if seen > 1 else None


def distance(A, i, text):
    return sum(A[i][j] * abs(i - j) for j in text.seen(i))


def signed_distance(A, i, text):
    return None if text.causal else sum(A[i][j] * (j - i) for j in text.seen(i))


def previous(A, i, text):
    return A[i][i - 1] if i > 0 else None


def next_weight(A, i, text):
    return A[i][i + 1] if not text.causal and i + 1 < len(text.words) else None


def self_weight(A, i, text):
    return A[i][i]


def first(A, i, text):
    return None if text.causal and i == 0 else A[i][0]


def on(A, i, keys):
    return sum(A[i][j] for j in keys) if keys else None


def delimiter(A, i, text):
    return on(A, i, [j for j in text.seen(i) if text.words[j].startswith("[")])


def punctuation(A, i, text):
    def is_it(word):
        return all(unicodedata.category(letter)[0] == "P" for letter in word)

    return on(A, i, [j for j in text.seen(i) if is_it(text.words[j])])


def confidence(A, i, text):
    ends = [j for j, word in enumerate(text.words) if j and word.startswith("[")]
    return None if i in ends else max(A[i][j] for j in text.seen(i) if j not in ends)


def duplicate(A, i, text):
    if text.words[i].startswith("["):
        return None
    return on(A, i, [j for j in range(i) if text.words[j] == text.words[i]])


def induction(A, i, text):
    if text.words[i].startswith("["):
        return None
    return on(A, i, [j for j in range(1, i) if text.words[j - 1] == text.words[i]])


def rare(A, i, text):
    rarest = [word for word in dict.fromkeys(text.words) if not word.startswith("[")][-1]
    if all(text.words[j] != rarest for j in text.seen(i)):
        return None
    return float(text.words[max(text.seen(i), key=lambda j: A[i][j])] == rarest)


SECOND_IMPLEMENTATIONS = {
    "entropy": entropy,
    "normalised_entropy": normalised_entropy,
    "distance": distance,
    "signed_distance": signed_distance,
    "previous": previous,
    "next": next_weight,
    "self": self_weight,
    "first": first,
    "delimiter": delimiter,
    "punctuation": punctuation,
    "confidence": confidence,
    "duplicate": duplicate,
    "induction": induction,
    "rare": rare,
}


class Text:
    def __init__(self, words, causal):
        self.words, self.causal = words, causal

    def seen(self, i):
        return range(i + 1 if self.causal else len(self.words))
