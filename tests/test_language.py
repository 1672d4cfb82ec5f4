"""The words of the house: one word for one thing, in code, messages and pages alike."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# A word that is out, as a regular expression; what to say; and the contexts in which the word is plain English, or not
# ours. A blank in either is any white space, so that a line may end there. Everything is compared in lower case.
WORDS: list[tuple[str, str, list[str]]] = [
    ("pieces?", "task or partition", ["collect_usage_pieces"]),  # a name of Click's
    # As a verb it is free: arguments are passed, a check passes. So is Python's keyword, which no article precedes.
    ("(a|the|each|every|one|two|first|second|next|last|per|this|that|single|of) pass(es)?", "stage", ["pass over"]),
    ("hands?", "worker", ["(by|at) hand", "(left|right)(-| |_)hand"]),
    ("farms?|abreast", "executor", []),
    (
        "places?|placed|placing",
        "backend, location or position",
        # Digits, also as people call them in a codebook; what is replaced; what happens; a property of CSS.
        ["decimal places?", '"places"', "in( their| its)? place", "(take|takes|took|taking) place", "place-[a-z]+"],
    ),
    ("parted|parts?(-|_)rows|parts? of the (rows|table)|(random|per|each|every) parts?", "partition", []),
    ("rooms?", "partition, space or width", []),
    (
        "sides?",
        "arm, condition or partition",
        [
            "side by side",
            "side effects?",
            "server_side",  # an argument of Python's ssl
            "(left|right)(-| |_)(hand(-| |_))?sides?",  # of an equation
            "(either|both|each|one|other) sides?",  # of an interval or a picture
            'side="(left|right)"',  # NumPy's argument
            "server side public",  # a licence
        ],
    ),
    ("deals?|dealt|dealing", "shuffle", ["(deal|deals|dealt|dealing) with"]),
    ("mix|mixes|mixing|mixed (across|up)", "shuffle", ["color-mix"]),  # a function of CSS
    ("roll(-|_|)calls?|roll calls?", "worker version check", []),
    ("rehears[a-z]*", "dry run", []),
    ("told", "a noun, such as hint; or known, described", ["told apart"]),  # what cannot be distinguished
    ("stamp(s|ed|ing)?", "fingerprint", []),
    ("lawful(ly)?", "valid", []),
    ("odd(ly|ity|ities)?", "unusual", ["odd numbers?"]),  # 1, 3, 5
    ("mend(s|ed|ing)?", "fix", []),
    ("(numbers?|values?|cells?) that (are|is) none", "not a number, not finite", ["that (are|is) none of"]),
    ("(stand|stands|stood) for", "is, means or replaces", []),
]


def _pattern(words: str) -> str:
    return words.replace(" ", r"[\s#]+")


# Only where a word begins, all words at once: ten times as fast as one after the other.
OUT = re.compile(
    rf"(?<![a-z])(?:{'|'.join(f'(?P<w{i}>{_pattern(word)})' for i, (word, *_) in enumerate(WORDS))})(?![a-z])"
)


def _files() -> list[Path]:
    engine = chain.from_iterable(
        (ROOT / "engine").rglob(f"*.{kind}") for kind in ("py", "html", "css", "svg", "md", "js")
    )
    beside = (path for name in ("deploy", "jobs") for path in (ROOT / name).rglob("*") if path.is_file())
    pages = (ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "Makefile"))
    return sorted(path for path in {*engine, *beside, *pages})


def hits(text: str) -> list[tuple[int, str, str]]:
    """Line, word and what to say instead of every word in a text that is out; `aSide` is two words, as `a_side`."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text).lower()
    found = []
    for match in OUT.finditer(text):
        _, say, free = WORDS[int((match.lastgroup or "")[1:])]
        around = text[max(0, match.start() - 40) : match.end() + 40]
        at = match.start() - max(0, match.start() - 40)
        spans = (
            one.span()
            for context in free
            for one in re.finditer(rf"(?<![a-z])(?:{_pattern(context)})(?![a-z])", around)
        )
        if not any(start < at + len(match.group()) and at < end for start, end in spans):
            found.append((text.count("\n", 0, match.start()) + 1, match.group(), say))
    return found


def test_words_that_are_out_are_not_used() -> None:
    found = []
    for path in _files():
        for line, word, say in hits(path.read_text(encoding="utf-8")):
            found.append(f"{path.relative_to(ROOT)}:{line}: {' '.join(word.split())!r}: say {say}")
    assert not found, f"{len(found)} words of the house's table are out:\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("one_side, oneSide, Sides = inside, beside, 'side by side', search(side=\"left\")", ["side", "side", "sides"]),
        ("# Done by\n# hand, in a first\n    # pass; args are passed, and pass", ["first\n    # pass"]),
        ("Rehearsal of a roll call: lawful, odd, even odds", ["rehearsal", "roll call", "lawful", "odd"]),
        ("three decimal places in place of two, at a place", ["place"]),
    ],
)
def test_contexts_decide_what_is_out(text: str, words: list[str]) -> None:
    assert [word for _, word, _ in hits(text)] == words
