"""The pages of a dossier for everybody: the release page, the data dictionary and the analyst guide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from replicant.report.dossier_words import count_of, shared_words
from replicant.view.templates import json_text, render

__all__ = ["dictionary", "guide", "release"]

_DOCUMENTS = {
    "dictionary.html": "data dictionary",
    "guide.html": "analyst guide",
    "guide.py": "the example in Python",
    "guide.R": "the example in R",
    "guide.do": "the example in Stata",
    "codebook.csv": "the columns, as CSV",
    "levels.csv": "their categories and codes, as CSV",
    "csv-metadata.json": "CSVW metadata of all CSV files",
    "ddi-codebook.xml": "DDI-Codebook 2.5",
    "dataset.jsonld": "schema.org/Dataset",
    "report.json": "what these pages say",
}


def release(public: Mapping[str, Any], linked: Mapping[str, Any], files: Sequence[str]) -> str:
    """The release page.

    Parameters
    ----------
    public
        From `public_summary`.
    linked
        The schema.org/Dataset that the page carries.
    files
        Names of the documents beside it.
    """
    documents = [(name, what) for name, what in _DOCUMENTS.items() if name in files]
    words = shared_words(public, public["gate"])
    return render(
        "report/dossier.html", **words, board=None, linked=json_text(linked), documents=documents, outside="."
    )


def dictionary(public: Mapping[str, Any]) -> str:
    """The data dictionary."""
    rows = [
        (
            one["name"],
            one["label"],
            one["type"],
            one["kind"],
            "" if one["decimals"] is None else str(one["decimals"]),
            count_of(one["level_count"]),
            one["synthesized"],
            one["method"],
            one["recoding"],
        )
        for one in public["variables"]
    ]
    coded = [
        {
            "name": one["name"],
            "label": one["label"],
            "caption": _caption(one),
            "rows": [
                (level["value"], level["label"] or ("missing" if level["missing"] else "")) for level in one["levels"]
            ],
        }
        for one in public["variables"]
        if one["levels"] or one["level_count"]
    ]
    return render(
        "report/dossier_dictionary.html",
        title=f"Data dictionary: {public['title']}",
        public=public,
        rows=rows,
        coded=coded,
    )


def guide(public: Mapping[str, Any]) -> str:
    """The analyst guide."""
    scripts = [{**one, "lines": one["code"].splitlines()} for one in public["analysis"]["scripts"]]
    return render(
        "report/dossier_guide.html",
        title=f"Analyst guide: {public['title']}",
        public=public,
        scripts=scripts,
        links=[(f"s{at}", one["language"]) for at, one in enumerate(scripts, 1)],
    )


def _caption(variable: Mapping[str, Any]) -> str:
    count = variable["level_count"] or 0
    if count and not any(not level["missing"] for level in variable["levels"]):
        return f"{count:,} categories: they stand in the files"
    ordered = ", in their order" if variable["kind"] == "ordered" else ""
    return f"Values of {variable['name']}{ordered}"
