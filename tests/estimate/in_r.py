"""R as a second opinion: one script for many models, skipped where there is no R or a package of it is not there."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

__all__ = ["in_r"]


def in_r(script: str, table: pd.DataFrame, folder: Path, *packages: str, **given: Any) -> Any:
    """What an R script makes: it finds the data frame `d`, each of `given`, and puts its answer in `out`."""
    if shutil.which("Rscript") is None:
        pytest.skip("no Rscript on this machine")
    loads = "".join(f"if (!suppressWarnings(require({name}))) quit(status = 9)\n" for name in ("jsonlite", *packages))
    lines = [f"suppressPackageStartupMessages({{\n{loads}}})"]
    for name, column in table.items():
        if isinstance(column.dtype, pd.CategoricalDtype):
            levels = ", ".join(f'"{level}"' for level in column.cat.categories)
            order = "TRUE" if column.cat.ordered else "FALSE"
            lines.append(f"d${name} <- factor(d${name}, c({levels}), ordered = {order})")
        elif column.dtype == bool:
            lines.append(f"d${name} <- as.logical(d${name})")
    lines.insert(1, 'd <- read.csv("d.csv", stringsAsFactors = FALSE)')
    lines += [f'{name} <- fromJSON("{name}.json", simplifyMatrix = FALSE)' for name in given]
    table.to_csv(folder / "d.csv", index=False)
    for name, value in given.items():
        (folder / f"{name}.json").write_text(json.dumps(value))
    text = "\n".join([*lines, script, 'write(toJSON(out, digits = NA, na = "null", auto_unbox = FALSE), "out.json")'])
    (folder / "script.R").write_text(text)
    done = subprocess.run(["Rscript", "script.R"], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode == 9:
        pytest.skip("a package of R is not on this machine")
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "out.json").read_text())
