"""Where a name leads that m sets do not have: a method of one set, a column, or what other tools call it."""

from __future__ import annotations

from collections.abc import Collection

from replicant.errors import closest

__all__ = ["hint_for"]

_INSTEAD = {
    "pool": "fit a model first: .analyse(model, formula).pool()",
    **dict.fromkeys(("fit", "analyze", "model", "lm", "glm", "ols", "regress"), "write .analyse(model, formula)"),
    **dict.fromkeys(
        ("frame", "data", "df", "to_pandas", "complete", "concat", "compute", "persist"),
        "write [0] for the first set, .stack() for all",
    ),
    **dict.fromkeys(("save", "write", "to_file", "to_disk", "export"), 'write .to_parquet("release")'),
    **dict.fromkeys(("hist", "histogram", "show", "draw"), "write .plot()"),
    **dict.fromkeys(("summarise", "summarize", "info"), "write .summary(), or print it"),
    **dict.fromkeys(("cor", "corr", "correlations"), "write .correlation()"),
    **dict.fromkeys(("value_counts", "freq", "tables"), "write .shares()"),
    **dict.fromkeys(("n_sets", "size", "nsets", "sets"), "write .m, or len() of it"),
}


def hint_for(name: str, known: Collection[str], columns: Collection[str]) -> str:
    """A hint for an attribute that does not exist; an empty text if nothing is similar.

    Parameters
    ----------
    name
        The attribute.
    known
        Attributes that are there.
    columns
        Of the data.
    """
    import pandas as pd

    if name in columns:
        return f'a column is [0]["{name}"] of the first set, .stack()["{name}"] of all'
    if name in _INSTEAD:
        return _INSTEAD[name]
    if hasattr(pd.DataFrame, name):
        return f"a set is a frame: write [0].{name} for the first one, .stack().{name} for all of them"
    near = closest(name, known)
    return f"did you mean {near!r}?" if near else ""
