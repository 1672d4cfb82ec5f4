"""Quotes that are never closed: a reader takes all that follows for one cell, so they are looked for."""

from __future__ import annotations

import re

__all__ = ["unclosed_line"]


def unclosed_line(content: bytes, delimiter: str, quote: str) -> int | None:
    """The line, from 1, on which a quote opens that is never closed; None if each is closed.

    A quote opens a cell at the cell's beginning only. One that is closed on another line by what is no end of a cell is
    not closed: the next cell in quotes began there.
    """
    mark, sign = quote.encode(), delimiter.encode()
    opening = re.compile(b"(?:\\A|(?<=[\\r\\n" + re.escape(sign) + b"]))" + re.escape(mark))
    closing = re.compile(re.escape(mark) + b"+")
    ends = (sign, b"\n", b"\r", b"")
    at = 0
    while (start := opening.search(content, at)) is not None:
        at = start.end()
        while True:
            found = closing.search(content, at)
            if found is None:
                return _line(content, start.start())
            at = found.end()
            # Quotes in a cell come in pairs.
            if (found.end() - found.start()) % 2:
                break
        if content[at : at + 1] not in ends and b"\n" in content[start.start() : at]:
            return _line(content, start.start())
    return None


def _line(content: bytes, position: int) -> int:
    before = content[:position]
    return 1 + (before.count(b"\n") or before.count(b"\r"))
