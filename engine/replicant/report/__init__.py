"""Views of results: real beside synthetic as numbers, as text for a terminal, as a fragment of HTML."""

from __future__ import annotations

from replicant.report import html, terminal
from replicant.report.summary import summarise

__all__ = ["html", "summarise", "terminal"]
