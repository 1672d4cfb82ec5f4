"""The codebook as CSV, as CSVW (the metadata of CSV on the Web) and as a schema.org/Dataset.

References: W3C (2015), Metadata Vocabulary for Tabular Data; schema.org, type Dataset.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from replicant.dossier.variables import Variable

__all__ = ["LEVELS", "VARIABLES", "csvw", "dataset", "levels_csv", "variables_csv"]

VARIABLES, LEVELS = "codebook.csv", "levels.csv"

MOST = 100
"""CSV files that the metadata describe, each with all columns."""

_HEADS = {
    VARIABLES: {
        "name": "Name of the column in the files",
        "label": "What it means",
        "kind": "What it measures: continuous, count, date, ordered, nominal, binary or identifier",
        "type": "What its cells are",
        "decimals": "Digits after the point, where they are fixed",
        "levels": "How many categories it has",
        "synthetic": "Which of its cells are synthetic",
        "method": "How they were drawn",
        "recoding": "How values were recoded before",
    },
    LEVELS: {
        "variable": "Name of the column in the files",
        "position": "Position of the value in the order of the categories, from 1",
        "value": "The value as it is written in the files",
        "label": "What it means, where it needs words",
        "missing": "Whether it says that the value is missing, and of which kind",
    },
}
_WHOLE = {"decimals", "levels", "position"}
_DATATYPES: dict[str, Any] = {
    "number": "number",
    "days": "number",
    "logical": {"base": "boolean", "format": "TRUE|FALSE"},
    "date": {"base": "date", "format": "yyyy-MM-dd"},
    "datetime": {"base": "datetime", "format": "yyyy-MM-dd HH:mm:ss.SSSSSS"},
}


def variables_csv(variables: Iterable[Variable]) -> str:
    """A row for each column of the release."""
    rows = [
        (v.name, v.label, v.kind, v.type, v.decimals, v.level_count, v.replaced, v.method, v.recoding)
        for v in variables
    ]  # fmt: skip
    return _csv(_HEADS[VARIABLES], rows)


def levels_csv(variables: Iterable[Variable]) -> str:
    """A row for each category and each code of a kind of missing."""
    rows = [
        (v.name, at, level.value, level.label, "true" if level.missing else "false")
        for v in variables
        for at, level in enumerate(v.levels, 1)
    ]
    return _csv(_HEADS[LEVELS], rows)


def csvw(
    title: str, description: str, manifest: Mapping[str, Any], variables: Sequence[Variable], release: str
) -> dict[str, Any]:
    """`csv-metadata.json`: the codebook's own tables, and the CSV files of the release if it has any.

    Parameters
    ----------
    title, description
        Of the release, in words.
    manifest, variables
        The public manifest, and its columns.
    release
        Where the release is, relative to the dossier or as a URL.
    """
    tables = [
        {"url": name, "dc:title": what, "tableSchema": _own(name)}
        for name, what in ((VARIABLES, "The columns of the release"), (LEVELS, "Their categories and codes"))
    ]
    missing = str(manifest.get("csv_missing", ""))
    schema = {"columns": [_column(one, missing, alone=len(variables) == 1) for one in variables]}
    copies = [copy for copy in manifest.get("copies", ()) if copy["format"] == "csv"]
    tables += [
        {
            "url": f"{release}/{quote(copy['path'], safe='/=')}",
            "dc:title": f"Synthetic set {copy['imputation']}",
            "tableSchema": schema,
        }
        for copy in copies[:MOST]
    ]
    if len(copies) > MOST:
        description += f" Of {len(copies):,} CSV files, all with the same columns, the first {MOST} are described here."
    return {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "dc:title": title,
        "dc:description": description,
        "dc:type": "Synthetic data",
        "dc:created": manifest["created"],
        "tables": tables,
    }


def dataset(
    title: str, description: str, manifest: Mapping[str, Any], variables: Sequence[Variable], release: str
) -> dict[str, Any]:
    """The release as a schema.org/Dataset, for search engines and catalogues.

    Parameters
    ----------
    title, description
        Of the release, in words.
    manifest, variables
        The public manifest, and its columns.
    release
        Where the release is, relative to the dossier or as a URL.
    """
    return {
        "@context": "https://schema.org",
        "@type": "Dataset",
        "name": title,
        "description": description,
        "keywords": ["synthetic data", "statistical disclosure control"],
        "dateCreated": manifest["created"],
        "measurementTechnique": "Synthetic data, drawn from models of a confidential table",
        "creator": {
            "@type": "SoftwareApplication",
            "name": "Replicant",
            "softwareVersion": str(manifest["versions"].get("replicant", "")),
        },
        "variableMeasured": [
            {"@type": "PropertyValue", "name": one.name, **({"description": one.label} if one.label else {})}
            for one in variables
        ],
        "distribution": [
            {
                "@type": "DataDownload",
                "name": f"Synthetic set {file['imputation']}",
                "contentUrl": f"{release}/{file['path']}",
                "encodingFormat": "application/vnd.apache.parquet",
                "contentSize": f"{file['bytes']} B",
                "sha256": file["sha256"],
            }
            for file in manifest["files"]
        ],
    }


def _own(name: str) -> dict[str, Any]:
    columns = [
        {
            "name": head,
            "titles": head,
            "dc:description": meaning,
            "datatype": "integer" if head in _WHOLE else "boolean" if head == "missing" else "string",
        }
        for head, meaning in _HEADS[name].items()
    ]
    if name == VARIABLES:
        return {"columns": columns, "primaryKey": ["name"]}
    reference = {"resource": VARIABLES, "columnReference": "name"}
    return {"columns": columns, "foreignKeys": [{"columnReference": "variable", "reference": reference}]}


def _column(variable: Variable, missing: str, *, alone: bool) -> dict[str, Any]:
    # A code of a kind of missing is written as text or as a number, and is no value of the column's type.
    codes = [level.value for level in variable.levels if level.missing]
    categories = [level.value for level in variable.levels if not level.missing]
    text = variable.form in {"factor", "ordered", "text"}
    # Levels that are numbers are written as such, and have nothing to do with what missing text is.
    blank = missing if alone or text else ""
    entry: dict[str, Any] = {
        "titles": variable.name,
        "datatype": "string" if text else _DATATYPES.get(variable.form, "string"),
        "null": [*dict.fromkeys([blank, "", *codes])] if text and "" not in categories else [blank, *codes],
        "dc:description": variable.label or f"{variable.type}, {variable.kind}",
    }
    return entry


def _csv(head: Iterable[str], rows: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
    return out.getvalue()
