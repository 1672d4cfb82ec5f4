"""What a page shows of an output against what came out: words one by one, measured numbers within a tolerance.

A number with decimals was measured or computed: the last digit of one may change with a version of a library or a kind
of processor. A whole number counts something, and is compared as the words are.
"""

from __future__ import annotations

import doctest
import math
import re

RELATIVE = 0.02
"""How far a number with decimals may be from the one that is shown, as a share of it."""

NUMBER = re.compile(r"(?<![\w.,])[-+−]?(?:\d{1,3}(?:,\d{3})+|\d+)\.\d+(?:[eE][-+]?\d+)?(?!\w|\.\w)")
"""A number with decimals that is no piece of a word, a version or an address."""


def fits(shown: str, output: str) -> bool:
    """Whether an output is what is shown of it; a line `...` stands for any lines."""
    given = lines(output)
    ends = {0}  # numbers of lines of the output that what was read of `shown` may stand for
    for line in lines(shown):
        if line.strip() == "...":
            ends = set(range(min(ends), len(given) + 1))
        else:
            ends = {end + 1 for end in ends if end < len(given) and alike(line, given[end])}
        if not ends:
            return False
    return len(given) in ends


def lines(text: str) -> list[str]:
    """The lines of a text, without empty ones before and after it."""
    return text.strip("\n").split("\n")


def alike(shown: str, given: str) -> bool:
    """Whether two texts have the same words, and numbers that are close."""
    wanted, found = NUMBER.findall(shown), NUMBER.findall(given)
    return _words(shown) == _words(given) and all(map(close, wanted, found))


def close(shown: str, given: str) -> bool:
    """Whether two numbers differ by no more than the tolerance, or by what the digits that are shown leave open."""
    wanted, found = (float(text.replace(",", "").replace("−", "-")) for text in (shown, given))
    mantissa, _, exponent = shown.lower().partition("e")
    last_digit = 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    return math.isclose(wanted, found, rel_tol=RELATIVE, abs_tol=1.01 * last_digit)


def _words(text: str) -> str:
    """The text around its numbers; how wide the gap beside a number is depends on its digits."""
    if not NUMBER.search(text):
        return text.rstrip()
    return re.sub(r" *\0 *", "\0", NUMBER.sub("\0", text)).rstrip()


class Checker(doctest.OutputChecker):
    """Compares examples of docstrings as blocks of pages are compared."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        """Whether doctest finds the two equal, or they differ in numbers that are close."""
        return super().check_output(want, got, optionflags) or fits(want, got)
