"""What a column's summary says, in words: the text of a picture for those who cannot see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replicant.view.figures import number, sized

__all__ = ["paired_words", "sentence"]


def sentence(column: dict[str, Any]) -> str:
    """About a column.

    Parameters
    ----------
    column
        An entry of `summarise(...)["columns"]`.
    """
    real, synthetic = column["real"], column["synthetic"]
    if column["type"] == "numeric":
        mean, sd = sized(column, "mean"), sized(column, "sd")
        conditions = [("real", real), ("synthetic", synthetic)]
        words = [f"{name} mean {mean(figures)}, sd {sd(figures)}" for name, figures in conditions if figures]
        return f"{column['name']}: {'; '.join(words)}."
    if real is None or not real["shares"]:
        return f"{column['name']}: shares of {number(len(column['levels']), 0)} levels."
    most = max(abs(a - b) for a, b in zip(real["shares"], synthetic["shares"], strict=True))
    return f"{column['name']}: the shares of its levels differ by {100 * most:.1f} percentage points at most."


def paired_words(summary: Mapping[str, Any]) -> tuple[str, str]:
    """What the real rows and the sets of a summary are called: sets that an imputation completed are not synthetic."""
    return ("observed", "completed") if summary.get("completed") else ("real", "synthetic")
