"""What is probably wrong with a text that is not YAML, and how to fix it."""

from __future__ import annotations

import re

import yaml

__all__ = ["yaml_fix", "yaml_words"]

_ANY = "check indentation, colons, and put texts with special characters in quotes"
_MISTAKES: tuple[tuple[str, str, str], ...] = (
    # What PyYAML says, what that is in our words, what to do.
    (r"character '\\t'", "a tab at the beginning", "indent by spaces, two for each level: YAML allows no tabs there"),
    (r"character '([@`%&*!|>])'", "a {0} at the beginning of a value", "put the value in quotes"),
    (
        r"undefined alias|expected alphabetic or numeric",
        "a * or & at the beginning of a value",
        "put the value in quotes",
    ),
    (r"undefined tag|could not determine a constructor", "a ! at the beginning of a value", "put the value in quotes"),
    (r"another document", "another document begins here (---)", "keep one document in the file, take the line --- out"),
    (
        r"unknown escape|escape sequence",
        "a backslash inside double quotes",
        "use single quotes, or / in paths",
    ),
    (r"found unexpected end of stream", "a quote that is never closed", "close it with another"),
    (
        r"expected ',' or '([\]}])', but got '<stream end>'",
        "a bracket that is never closed",
        "close it with a {0}",
    ),
    (
        r"expected ',' or '([\]}])', but got ':'",
        "a second colon in one entry",
        "put a text with a colon in quotes, or separate the entries by a comma",
    ),
    (
        r"expected ',' or '([\]}])'",
        "an entry that does not end here",
        "separate entries by commas, close the bracket with a {0}, and put texts with special characters in quotes",
    ),
    (
        r"expected <block end>, but found '<block mapping start>'|expected <block end>, but found '<scalar>'",
        "a line that is indented otherwise than those above it",
        "begin keys of one section at the same column",
    ),
    (
        r"expected <block end>, but found '(.)'",
        "a {0} that does not belong here",
        "take it out, or put the text in quotes",
    ),
    (
        r"mapping values are not allowed here",
        "a second colon on one line, or a line that is indented too far",
        "put a text with a colon in quotes, and begin keys of one section at the same column",
    ),
    (r"could not find expected ':'", "a line without a colon", "write KEY: VALUE, with a space after the colon"),
    (r"special characters are not allowed", "a sign that cannot be printed", "take it out; save the file as UTF-8"),
)


def yaml_words(error: yaml.MarkedYAMLError) -> str:
    """What is wrong, in our words."""
    found = _mistake(error)
    return found[0] if found else error.problem or error.context or "it cannot be read"


def yaml_fix(error: yaml.MarkedYAMLError) -> str:
    """What to do about it."""
    found = _mistake(error)
    return found[1] if found else _ANY


def _mistake(error: yaml.MarkedYAMLError) -> tuple[str, str] | None:
    problem, opened, at = error.problem or "", error.context_mark, error.problem_mark
    closing = re.search(r"expected ',' or '([\]}])', but got ':'", problem)
    if closing and opened is not None and at is not None and opened.line < at.line:
        # The next key of the file is read as part of the text that was never closed.
        return f"a bracket that is never closed, opened on line {opened.line + 1}", f"close it with a {closing[1]}"
    for pattern, words, fix in _MISTAKES:
        match = re.search(pattern, problem)
        if match:
            return words.format(*match.groups()), fix.format(*match.groups())
    return None
