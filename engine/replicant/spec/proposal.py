"""A job written for a table: what its columns are taken for, and what is suspected of them, ready to be edited."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml

from replicant.errors import ReplicantError
from replicant.spec.load import parse_job
from replicant.spec.models import JobSpec
from replicant.spec.rule import parse_kept_rule, parse_rule
from replicant.table.column import Column
from replicant.table.suspicions import Suspicion
from replicant.table.table import Table

__all__ = ["proposal"]

_HEAD = """\
# A job for this table, proposed by `replicant inspect`. Read it before you run it:
# what is suspected of a column stands above its line; what is not certain is commented out.
#   replicant plan JOB     says what would be done
#   replicant run JOB      does it
"""
_WIDTH = 110
FEWEST_FOR_A_GATE = 1000
"""Rows of a table of which a tenth, held out, can tell anything."""

_LISTED = 30
"""Levels that are written out at most."""


def proposal(job: JobSpec, table: Table, found: Sequence[Suspicion], loads: Callable[[JobSpec], Any]) -> str:
    """The job as text.

    Parameters
    ----------
    job
        Where the table is, and where its release goes.
    table, found
        The table, and what is suspected of it.
    loads
        Reads and encodes the table of a job; what is proposed is tried by it.

    Returns
    -------
    str
        YAML that `load_job` reads.
    """
    # Codes of a column of levels may be read as numbers or as text, as its file has it.
    texts = [_text(job, table, found, as_text, listed) for listed in (True, False) for as_text in (False, True)]
    for text in texts:
        try:
            loads(parse_job(text))
        except ReplicantError:
            continue
        return text
    return texts[-1]


def _text(job: JobSpec, table: Table, found: Sequence[Suspicion], as_text: bool, listed: bool) -> str:
    dropped = [str(one.settings["synthesis.drop"]) for one in found if "synthesis.drop" in one.settings]
    lines = [_HEAD, *_input(job, found), "", "columns:"]
    for column in table.columns:
        own = [one for one in found if one.column == column.name]
        for one in own:
            lines += _comment(one.text, "  # ")
        said = _spec(column, [one for one in own if one.sure], as_text, listed)
        if column.name not in dropped:
            lines.append(f"  {_flow(column.name, said)}")
        for one in own:
            if one.spec and not one.sure:
                perhaps = {**said, **_levels(one.spec, as_text, listed)}
                lines.append(f"  # {_flow(column.name, perhaps)}")
            for other in one.others:
                rest = {key: value for key, value in said.items() if key != "levels"}
                lines.append(f"  # {_flow(column.name, _levels({**rest, **other}, as_text, listed))}")
    lines += [
        "",
        *_synthesis(found, dropped),
        *_imputation(found, dropped),
        "",
        *_gate(table),
        "",
        f"output: {_flow('path', job.output.path, bare=True)}",
    ]
    return "\n".join(lines) + "\n"


def _input(job: JobSpec, found: Sequence[Suspicion]) -> list[str]:
    said = job.input.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    formats = _under(found, "input.date_format.", sure=True)
    if formats and not isinstance(said.get("date_format"), str):
        said["date_format"] = {**(said.get("date_format") or {}), **formats}
    lines = ["input:", *(f"  {_flow(key, value)}" for key, value in said.items())]
    perhaps = _under(found, "input.date_format.", sure=False)
    lines += [f"  # {_flow('date_format', {name: form})}" for name, form in perhaps.items()]
    if any("input.decimal" in one.settings for one in found):
        lines.append('  # decimal: ","')
    return lines


def _synthesis(found: Sequence[Suspicion], dropped: Sequence[str]) -> list[str]:
    lines = ["synthesis:", "  m: 5"]
    lines += [f"  {_flow('drop', list(dropped))}"] if dropped else ["  # drop: [names of columns to leave out]"]
    passive = _under(found, "synthesis.passive.", sure=True)
    perhaps = _under(found, "synthesis.passive.", sure=False)
    if passive:
        lines += ["  passive:", *(f"    {_flow(name, text)}" for name, text in passive.items())]
    elif perhaps:
        lines.append("  # passive:")
    lines += [f"  #   {_flow(name, text)}" for name, text in perhaps.items()]
    rules = [rule for one in found for rule in one.settings.get("synthesis.rules", ())]
    kept = [rule for rule in rules if not {*parse_kept_rule(rule).names} & {*dropped}]
    return lines + (["  # rules:"] if kept else []) + [f"  #   - {_item(rule)}" for rule in kept]


def _gate(table: Table) -> list[str]:
    """A gate; commented out for a table of which nothing can be held out."""
    smooth = " smooth," if any(column.kind in ("continuous", "count") for column in table.columns) else ""
    lines = [
        "gate: # may the release go out? One that may not stays in the internal folder",
        "  tier: safeguarded # who gets it: public, safeguarded (registered users) or secure (a research centre)",
        "  holdout: 0.1 # rows that no model sees: what a release tells of them as well, it tells of nobody",
        "  # keys: [columns that others know of a person]",
        "  # targets: [columns that must stay unknown]",
        f"  remedy: [redraw,{smooth} swap] # what is tried if a check fails",
    ]
    return lines if table.n >= FEWEST_FOR_A_GATE else [f"# {line}" for line in lines]


def _imputation(found: Sequence[Suspicion], dropped: Sequence[str]) -> list[str]:
    """Cells that are missing by design: what an imputation is to leave missing, commented out with the imputation."""
    every = _under(found, "imputation.missing.", sure=False)
    kept = {name: said for name, said in every.items() if not {name, *parse_rule(said["when"]).names} & {*dropped}}
    if not kept:
        return []
    return [
        "  # missing: impute",
        "",
        "# With `missing: impute` above, cells that are not applicable stay missing by:",
        "# imputation:",
        "#   missing:",
        *(f"#     {_flow(name, said)}" for name, said in kept.items()),
    ]


def _spec(column: Column, sure: Sequence[Suspicion], as_text: bool, listed: bool) -> dict[str, Any]:
    said: dict[str, Any] = {"kind": str(column.kind)}
    levels = column.levels()
    if levels and len(levels) <= _LISTED and all(isinstance(level, str | int | float | bool) for level in levels):
        said["levels"] = levels
    for one in sure:
        if one.spec:
            said = {**({} if "kind" in one.spec else said), **said, **one.spec}
            if "levels" not in one.spec:
                said.pop("levels", None)
    return _levels(said, as_text, listed)


def _levels(said: Mapping[str, Any], as_text: bool, listed: bool) -> dict[str, Any]:
    """The spec with its levels and codes as they stand in the file."""
    out = dict(said)
    categorical = out.get("kind") in ("nominal", "ordered", "binary")
    if "levels" in out and not (listed or out["kind"] == "ordered"):
        del out["levels"]
    if categorical and as_text:
        for key in ("levels", "missing_codes"):
            if key in out:
                out[key] = [value if isinstance(value, bool) else str(value) for value in out[key]]
    return out


def _under(found: Sequence[Suspicion], prefix: str, *, sure: bool) -> dict[str, Any]:
    return {
        key.removeprefix(prefix): value
        for one in found
        if one.sure == sure
        for key, value in one.settings.items()
        if key.startswith(prefix)
    }


def _item(text: str) -> str:
    """One entry of a list."""
    if "'" in text and not {'"', "\\"} & {*text}:
        return f'"{text}"'
    return yaml.safe_dump([text], default_flow_style=True, allow_unicode=True, width=10**6).strip()[1:-1]


def _comment(text: str, mark: str) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), _WIDTH, initial_indent=mark, subsequent_indent=f"{mark}  ")


def _flow(key: str, value: Any, *, bare: bool = False) -> str:
    """One key and its value on one line."""
    text = yaml.safe_dump({key: value}, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10**6)
    text = text.strip()
    return text if bare else text[1:-1]
