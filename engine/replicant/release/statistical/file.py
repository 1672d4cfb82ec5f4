"""One file of a statistical package, as pyreadstat writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from replicant.release.private import file_bytes
from replicant.release.statistical.facts import Facts

__all__ = ["file_of"]


def file_of(
    suffix: str, columns: Mapping[str, Any], facts: Facts, labels: Mapping[str, Mapping[Any, str]], **options: Any
) -> bytearray:
    """The bytes of a `.dta` or `.sav`: cells and labels by the variable's name; `options` are pyreadstat's.

    Raises
    ------
    DataError
        The format cannot hold a name, a label or a text.
    """
    import pyreadstat

    write: Any = {"dta": pyreadstat.write_dta, "sav": pyreadstat.write_sav}[suffix]
    return file_bytes(
        lambda path, folder: write(
            pd.DataFrame(columns, columns=[one.name for one in facts.variables], copy=False),
            path,
            column_labels={one.name: one.label for one in facts.variables if one.label},
            variable_value_labels={name: known for name, known in labels.items() if known},
            **options,
        ),
        suffix,
        pyreadstat.ReadstatError,
    )
