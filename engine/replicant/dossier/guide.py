"""How to analyse a release, as code that runs on it: Python, R and Stata."""

from __future__ import annotations

import json
import keyword
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from replicant.dossier.variables import Variable
from replicant.release.scripts import advice_of
from replicant.release.scripts.facts import Advice
from replicant.release.scripts.r import RULES, pooling
from replicant.release.scripts.stata import valid_names
from replicant.storage.folder import COPIES, HELPERS

__all__ = ["Guide", "Script", "guide_of"]

_FEW = 12
"""Levels of a predictor of an example."""

_WORDS = frozenset({"if", "in", "int", "long", "byte", "double", "float", "using", "with", "TRUE", "FALSE", "NULL"})
"""Names that R or Stata keep for themselves, beside Python's."""


@dataclass(frozen=True, slots=True)
class Script:
    """A file of code.

    Attributes
    ----------
    language, file
        What it is written in, and its name.
    code
        Its text; empty where the release has nothing that the language reads.
    note
        What must be known to run it.
    """

    language: str
    file: str
    code: str
    note: str


@dataclass(frozen=True, slots=True)
class Guide:
    """How to analyse a release.

    Attributes
    ----------
    formula
        Of the example, as in R; empty if the release has no columns for one.
    advice
        The pooling rule that holds.
    scripts
        The example in each language.
    """

    formula: str
    advice: Advice
    scripts: tuple[Script, ...]


def guide_of(manifest: Mapping[str, Any], variables: Sequence[Variable], release: str) -> Guide:
    """The guide of a release.

    Parameters
    ----------
    manifest
        The public one.
    variables
        Its columns.
    release
        Where the release is, relative to the dossier or as a URL.
    """
    advice = advice_of(manifest)
    response, others = _example(variables, advice)
    formula = f"{response} ~ {' + '.join(one.name for one in others)}" if others else ""
    helpers = {one["language"] for one in manifest.get("helpers", ())}
    csv = any(copy["format"] == "csv" for copy in manifest.get("copies", ()))
    pooled = formula if advice.rules else ""
    scripts = (
        Script("Python", "guide.py", _python(release, pooled), "It needs Python with replicant-synthesis."),
        _r(manifest, release, pooled, helper="r" in helpers, csv=csv),
        _stata(advice, release, response, others, helper="stata" in helpers),
    )
    return Guide(formula, advice, scripts)


def _example(variables: Iterable[Variable], advice: Advice) -> tuple[str, list[Variable]]:
    """A number, and up to two columns that may tell of it, all of plain names."""
    poolable = [one for one in variables if advice.columns is None or one.name in advice.columns]
    plain = [one for one in poolable if _is_plain(one.name) and not any(level.missing for level in one.levels)]
    numbers = [one for one in plain if one.form == "number" and one.kind in {"continuous", "count"}]
    if not numbers:
        return "", []
    # A number with decimals rather than a count: an age is more often what explains.
    response = next((one for one in numbers if one.kind == "continuous"), numbers[0])
    groups = [one for one in plain if one.form in {"factor", "logical"} and 2 <= (one.level_count or 0) <= _FEW]
    others = [one for one in numbers if one is not response][:1] + groups[:1]
    return response.name, others


def _is_plain(name: str) -> bool:
    return (
        name.isascii()
        and name.isidentifier()
        and not name.startswith("_")
        and not keyword.iskeyword(name)
        and name not in _WORDS
    )


def _python(release: str, formula: str) -> str:
    lines = [
        "import replicant as rp",
        "",
        f"release = rp.read_release({json.dumps(release)})",
        "print(release)",
        "print(release[0].head())  # the first set, a pandas frame",
    ]
    if formula:
        lines += [
            "",
            f'analyses = release.analyse("ols", "{formula}")  # on every set',
            "pooled = analyses.pool()  # by the rule that holds for these sets",
            "print(pooled.frame.to_string(index=False))",
        ]
    return "\n".join(lines) + "\n"


def _r(manifest: Mapping[str, Any], release: str, formula: str, *, helper: bool, csv: bool) -> Script:
    advice = advice_of(manifest, RULES)
    formula = formula if {*advice.rules} <= RULES.keys() else ""  # nested sets are pooled in Python only
    needs = "Base R is enough." if csv else "It needs R with the package arrow, which reads Parquet."
    if "://" in release:
        needs += " Download the release first, and change the path."
    if not helper and any(one.get("missing_codes") for one in manifest["columns"]):
        needs += " Codes of kinds of missing, in levels.csv, are values here: recode them first."
    if helper:
        lines = [f'source("{release}/{HELPERS["r"]}")  # gives sets and pool_syn']
    else:
        files = [one for one in manifest["copies"] if one["format"] == "csv"] if csv else manifest["files"]
        blank = json.dumps(str(manifest.get("csv_missing", "")))
        read = (
            f'read.csv(file, stringsAsFactors = TRUE, encoding = "UTF-8", check.names = FALSE, na.strings = {blank})'
            if csv
            else "as.data.frame(arrow::read_parquet(file))"
        )
        paths = ",\n".join(
            "  c(" + ", ".join(f'"{release}/{one["path"]}"' for one in files if one["imputation"] == i) + ")"
            for i in range(1, manifest["m"] + 1)
        )
        lines = [
            f"files <- list(\n{paths}\n)",
            f"sets <- lapply(files, function(paths) do.call(rbind, lapply(paths, function(file) {read})))",
        ]
        if formula:
            lines += ["", pooling(manifest["m"], manifest["n"], manifest["k"], advice)]
    lines.append("print(head(sets[[1]]))")
    if formula:
        lines += [
            "",
            f"fits <- lapply(sets, function(data) lm({formula}, data))  # on every set",
            "pooled <- pool_syn(fits)  # by the rule that holds for these sets",
            "print(pooled)",
        ]
    return Script("R", "guide.R", "\n".join(lines) + "\n", needs)


def _stata(advice: Advice, release: str, response: str, others: Sequence[Variable], *, helper: bool) -> Script:
    if not helper:
        note = "Stata reads no Parquet: ask the data owner for a release with `helpers: [stata]`."
        return Script("Stata", "guide.do", "", note)
    script = HELPERS["stata"]
    lines = [f'cd "{release}"', f'do "{script}"  // one dataset of all sets, and pool_syn', "describe"]
    if others and advice.rules:
        names = valid_names([response, *(one.name for one in others)])
        terms = [name if one.form == "number" else f"i.{name}" for name, one in zip(names[1:], others, strict=True)]
        lines.append(f"pool_syn regress {names[0]} {' '.join(terms)}  // on every set, by the rule that holds")
    return Script("Stata", "guide.do", "\n".join(lines) + "\n", f"It needs Stata 16 or later, and reads {COPIES}/csv.")
