"""Scripts that go with a release on request: they read the sets in R or Stata and pool by the rules that hold.

All that a script says comes from the public manifest and from how the columns are written; beside the labels of levels,
which the manifest has published, no cell value is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from replicant.errors import ReleaseError, SpecError
from replicant.pool import RULES, choose, valid
from replicant.release.csv import Sheet
from replicant.release.scripts import r, stata
from replicant.release.scripts.facts import Advice, Facts

__all__ = ["advice_of", "helper_text"]


@dataclass(frozen=True, slots=True)
class _Language:
    write: Callable[[Facts], str]
    rules: Collection[str]
    csv: bool  # whether it reads nothing but CSV


_LANGUAGES = {
    "r": _Language(r.script, r.RULES, csv=False),
    "stata": _Language(stata.script, stata.RULES, csv=True),
}


def helper_text(language: str, manifest: Mapping[str, Any], sheet: Sheet) -> str:
    """A script that reads the release and pools.

    Parameters
    ----------
    language
        `r` or `stata`.
    manifest
        The public manifest, with all its data files.
    sheet
        How the columns are written.

    Returns
    -------
    str
        The same for the same manifest, whatever the day.

    Raises
    ------
    ReleaseError
        If the script needs CSV files and there are none, or the release is nested.
    """
    chosen = _LANGUAGES[language]
    if chosen.csv and not _csv(manifest):
        raise ReleaseError(f"The script for {language} reads CSV, and the release has none.", fix="write CSV too")
    if (manifest.get("r") or 1) > 1:
        raise ReleaseError("There are no scripts for nested releases.", fix="leave `helpers` out")
    return chosen.write(_facts(manifest, sheet, chosen.rules))


def _facts(manifest: Mapping[str, Any], sheet: Sheet, known: Collection[str]) -> Facts:
    files = manifest["files"]
    return Facts(
        version=str(manifest["versions"].get("replicant", "")),
        m=int(manifest["m"]),
        n=int(manifest["n"]),
        k=int(manifest["k"]),
        missing=str(manifest["config"]["missing"]),
        width=len(files[0]["path"].split("/")[0].removeprefix("imputation=")),
        partitions=tuple(sorted({int(entry["partition"]) for entry in files})),
        sheet=sheet,
        csv=_csv(manifest),
        advice=advice_of(manifest, known),
    )


def _csv(manifest: Mapping[str, Any]) -> bool:
    return any(copy["format"] == "csv" for copy in manifest.get("copies", ()))


def advice_of(manifest: Mapping[str, Any], known: Collection[str] = RULES) -> Advice:
    """The rule for models of all columns, or else for models of those that are synthesized throughout.

    Parameters
    ----------
    manifest
        The public one.
    known
        Names of the rules that may be offered beside it.
    """
    names = [str(column["name"]) for column in manifest["columns"]]
    whole = [str(column["name"]) for column in manifest["columns"] if column["synthesized"] == "all"]
    reason = ""
    for columns in (names, whole):
        if not columns:
            continue
        try:
            choice = choose(manifest, columns=columns)
        except SpecError as error:
            reason = reason or error.found
            continue
        others = [rule for rule in valid(manifest, columns=columns) if rule in known and rule != choice.rule]
        return Advice(
            (choice.rule, *others),
            choice.why,
            choice.warnings,
            complete=bool(choice.options.get("complete", True)),
            columns=None if columns is names else tuple(columns),
        )
    return Advice((), reason)
