"""What the pages say, as one document that can be kept as JSON: a part for everybody, and one for the review board."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from replicant.dossier.guide import Guide
from replicant.dossier.sources import Sources
from replicant.dossier.variables import Variable

__all__ = ["SCHEMA", "board_summary", "describe", "public_summary"]

SCHEMA = 1
"""Of `report.json`: it rises when a key changes its meaning."""

# Shares of the real records, whose counts a board asks for. Others are of rows, of pairs or of attempts.
_COUNTED = (
    "copied_records",
    "copied_records_cumulative",
    "unique_in_real",
    "replicated_uniques",
    "unique_found",
    "real_records_below_3",
    "disclosed",
)

_CONDITIONING = {
    "synthetic": "One column after the other was drawn given the synthetic values of those before it.",
    "observed": "Each cell was drawn given the real values of the other columns of its row.",
}


def describe(manifest: Mapping[str, Any]) -> str:
    """What a release is, in a few sentences for catalogues."""
    m, rows = manifest["m"], manifest["k"]
    sets = f"{m} synthetic sets" if m != 1 else "One synthetic set"
    whole = all(one.get("synthesized") == "all" for one in manifest["columns"])
    none = "No row is the record of a person" if whole else "Some cells are as in the real data"
    return (
        f"{sets} of {rows:,} rows and {len(manifest['columns'])} columns, drawn by models of a confidential table of "
        f"{manifest['n']:,} rows. {none}. Analyse each set and pool the results."
    )


def public_summary(sources: Sources, variables: Sequence[Variable], guide: Guide, release: str) -> dict[str, Any]:
    """The part for everybody: nothing confidential is in it.

    Parameters
    ----------
    sources
        Of them the public manifest, and published figures if utility was evaluated.
    variables, guide
        Its columns, and how to analyse them.
    release
        Where the release is, relative to the dossier or as a URL.
    """
    manifest = sources.public
    files = manifest["files"]
    return {
        "schema": SCHEMA,
        "title": title_of(sources),
        "description": describe(manifest),
        "created": manifest["created"],
        "replicant": str(manifest["versions"].get("replicant", "")),
        "release": release,
        "m": manifest["m"],
        "rows": manifest["k"],
        "real_rows": manifest["n"],
        "files": len(files),
        "bytes": sum(one["bytes"] for one in files),
        "flag": manifest.get("flag"),
        "gate": manifest.get("gate"),
        "done": _done(manifest, variables),
        "settings": {name: _words(value) for name, value in manifest["config"].items()},
        "events": [_line(event) for event in manifest.get("events", ())],
        "indicators": _indicators(sources.utility),
        "evaluated": sources.utility is not None,
        "analysis": {
            "formula": guide.formula,
            "rules": list(guide.advice.rules),
            "why": guide.advice.why,
            "warnings": list(guide.advice.warnings),
            "columns": None if guide.advice.columns is None else list(guide.advice.columns),
            "scripts": [
                {"language": one.language, "file": one.file, "code": one.code, "note": one.note}
                for one in guide.scripts
            ],
        },
        "limits": _limits(manifest, variables),
        "variables": [one.as_dict() for one in variables],
    }


def title_of(sources: Sources) -> str:
    """What the release is called on every page and in every catalogue: that it is synthetic is part of its name."""
    return f"{sources.name} (synthetic data)"


def board_summary(sources: Sources) -> dict[str, Any]:
    """The part for the review board: confidential.

    Parameters
    ----------
    sources
        With or without evaluations; an internal manifest must be there.
    """
    secret = sources.secret or {}
    spec = secret.get("spec") or {}
    synthesis = spec.get("synthesis") or spec  # a job, or what `rp.synthesize` was given
    found = sources.disclosure
    settings = (found or {}).get("settings", {})
    return {
        "schema": SCHEMA,
        "confidential": True,
        "withheld": sources.withheld,
        "gate": secret.get("gate"),
        "evaluated": {"utility": sources.utility is not None, "disclosure": found is not None},
        "keys": _names(settings.get("keys")),
        "targets": _names(settings.get("targets")),
        "flags": {
            what: [_figure(one) for one in of["figures"] if one["flag"]]
            for what, of in (("utility", sources.utility), ("disclosure", found))
            if of is not None
        },
        "at_risk": _at_risk(found),
        "protection": secret.get("protection", {}),
        "left_out": [
            f"{what}: {text}"
            for what, of in (("utility", sources.utility), ("disclosure", found))
            for text in (of or {}).get("left_out", ())
        ],
        "rules": [str(rule) for rule in synthesis.get("rules") or ()],
        "events": [_line(event) for event in secret.get("events", ())],
        "settings": _flat({name: part for name, part in spec.items() if name != "output"}, without="seed"),
        "record": {
            "versions": {name: str(version) for name, version in secret.get("versions", {}).items()},
            "created": str(secret.get("created", "")),
            "seed": secret.get("seed"),
            "seed_given": secret.get("seed_given"),
            "seed_destroyed": secret.get("seed_destroyed"),
            "digest": str(secret.get("digest", "")),
            "input": _flat(secret.get("input") or {}),
            "tasks": secret.get("tasks"),
            "partitions": len(secret.get("partitions", ())),
            "files": [
                {"path": one["path"], "rows": one["rows"], "sha256": one["sha256"]} for one in secret.get("files", ())
            ],
            "target": sources.target,
            "internal": sources.internal,
        },
    }


def _done(manifest: Mapping[str, Any], variables: Sequence[Variable]) -> list[str]:
    config = manifest["config"]
    said = [_CONDITIONING[config["conditioning"]]] if config.get("conditioning") in _CONDITIONING else []
    methods: dict[str, int] = {}
    for one in variables:
        if one.synthesized != "none":
            methods[one.method] = methods.get(one.method, 0) + 1
    if methods:
        listed = ", ".join(f"{method} ({count})" for method, count in methods.items())
        said.append(f"Methods, with the number of columns: {listed}.")
    for which, words in (("none", "As in the real data, in every row"), ("some", "Partly as in the real data")):
        if kept := [one.name for one in variables if one.synthesized == which]:
            said.append(f"{words}: {', '.join(kept)}.")
    if count := config.get("rules"):
        rules = "One rule" if count == 1 else f"{count} rules"
        said.append(f"{rules} between columns had to hold; each was checked in every synthetic row.")
    if strata := config.get("strata"):
        said.append(f"The groups of {', '.join(strata)} were synthesized by themselves.")
    missing = config.get("missing")
    if missing == "keep":
        said.append("Missing cells were drawn like any other value: sets have them where real data would have them.")
    elif missing:
        said.append(f"Missing cells: {missing}.")
    gate = manifest.get("gate") or {}
    helped = [one for one in gate.get("remedies", ()) if one["kept"]]
    said += [f"Remedy: {one['what'].rstrip('.')}. {one.get('cost', '')}".rstrip() for one in helped]
    return said


def _limits(manifest: Mapping[str, Any], variables: Sequence[Variable]) -> list[str]:
    said = [
        "A row may equal a real one, as any likely row may. That says nothing of anybody: do not try to find people.",
        "The sets show what the models saw. Rare groups, and relations of many columns at once, are less like the real "
        "data than large groups and pairs of columns.",
        "One set alone makes results look more certain than they are. Use all sets, and pool.",
        "Figures that matter (a publication, a decision) should be computed on the real data before they are used. "
        "Ask the data owner.",
    ]
    if manifest["m"] == 1:
        said[2] = "There is one set only: it does not show how much its draws add to the error of an estimate."
    if any(one.synthesized != "all" for one in variables):
        said.insert(1, "Not every cell is synthetic: the columns above that are as in the real data are real.")
    if not manifest.get("gate"):
        said.append("No gate has judged this release: nobody has compared it with limits that were set before.")
    return said


def _indicators(utility: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Relative errors of figures that are published, to whole percents."""
    if utility is None:
        return []
    return [
        {
            "name": " · ".join(part for part in (one["group"], one["of"]) if part),
            "error": round(one["value"], 2),
            "baseline": None if one["baseline"] is None else round(one["baseline"], 2),
        }
        for one in utility["figures"]
        if one["measure"] == "relative_error" and one["value"] is not None
    ]


def _at_risk(disclosure: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Records at risk as counts: of each measure and what it is of."""
    if disclosure is None or not (n := disclosure["settings"].get("n")):
        return []
    order = {name: at for at, name in enumerate(_COUNTED)}
    found = [one for one in disclosure["figures"] if one["measure"] in order and one["value"] is not None]
    return [
        {
            "measure": one["measure"],
            "of": " · ".join(part for part in (one["group"], one["of"]) if part),
            "records": round(one["value"] * n),
            "expected": None if one["baseline"] is None else round(one["baseline"] * n),
            "n": n,
        }
        for one in sorted(found, key=lambda one: order[one["measure"]])
    ]


def _figure(one: Mapping[str, Any]) -> dict[str, Any]:
    return {key: one[key] for key in ("measure", "of", "group", "value", "baseline", "p_value")}


def _names(said: Any) -> list[str]:
    if isinstance(said, str):
        return [said]
    return [str(one) for one in said or ()]


def _line(event: Mapping[str, Any]) -> str:
    return f"{event['column']}: {event['message']}" if event.get("column") else str(event["message"])


def _flat(tree: Mapping[str, Any], before: str = "", without: str = "") -> dict[str, str]:
    """Settings by their dotted names; what was not set is left out."""
    out: dict[str, str] = {}
    for name, value in tree.items():
        if name == without or value is None or value in ([], {}):
            continue
        if isinstance(value, Mapping):
            out |= _flat(value, f"{before}{name}.", without)
        else:
            out[f"{before}{name}"] = _words(value)
    return out


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_words(one)}" for name, one in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(_words(one) for one in value)
    return str(value)
