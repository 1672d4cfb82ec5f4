"""Checks of what is counted, and of what a release says of itself: donors, rules, schema, people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from replicant.disclosure.known import population_of, with_levels
from replicant.errors import SpecError, nearest
from replicant.evaluation.figure import Figure
from replicant.evaluation.inputs import Inputs, frame_in_memory, in_memory
from replicant.gate.evidence import beyond
from replicant.gate.judge import Check, judge, of_count, without
from replicant.methods import registered
from replicant.methods.cart import UNDERSMOOTHED
from replicant.plan.rules import broken_rows
from replicant.spec.rule import parse_kept_rule
from replicant.table import encode_table

__all__ = ["broken_rules", "canaries_found", "donors_behind", "lone_columns", "people_behind"]

DIFFERENCES = ("missing_column", "extra_column", "other_type")
"""Findings that are differences of schema. Another sample of the people has other levels and digits, too."""

VALUES = 200
"""How many times the people of a pair of keys have to be behind a single value: 200,000 where a pair needs 1,000."""

BY_CHANCE = 0.05
"""Canaries that equal a row by chance, in all sets, at which a single one that is found says something."""

WAYS = {"public": 2, "safeguarded": 3, "secure": 3}
"""Keys that an intruder is taken to know at once."""


def donors_behind(check: Check, manifest: Mapping[str, Any], donors: int | None) -> Check:
    """The fewest distinct records that any value was drawn among, as the release says, or the caller."""
    why, column = "a leaf may hold fewer records: `min_donors` sets how many it has at least", ""
    if donors is None:
        if "config" not in manifest:
            return without(check, "not_judged", "the sets do not say how they were made: `donors` says how many")
        donors, column = min(_donors(manifest), default=(int(manifest["n"]), ""))
        if donors == 1 and column and not manifest["config"].get("proper"):
            why = "real cells of a record stay in its row, or a leaf may hold a single record"
    return of_count(check, donors, f"{why} ({column})" if column else why, of=column)


def _donors(manifest: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    config = manifest["config"]
    few = any(event.get("code") == "unprotected" for event in manifest.get("events", ()))
    for one in manifest["columns"]:
        method = registered().get(one.get("method", ""))
        if one.get("synthesized") == "none":
            if one["name"] not in config.get("strata", ()):
                yield 1, one["name"]
        elif method is not None and method.uses_trees:
            options = {**config, **one.get("options", {})}
            # A bootstrap sample has a record several times.
            rows = 1 if config.get("proper") else options.get("minbucket", 1)
            least = 1 if few else int(options.get("min_donors", 1))
            yield max(UNDERSMOOTHED[0] if rows == "auto" else int(rows), least), one["name"]


def canaries_found(
    check: Check, figures: Sequence[Figure], counts: Mapping[str, Any] | None, copied: Sequence[Figure]
) -> Check:
    """Canaries that came back whole.

    Where rows are hardly ever alike, not one may: nobody has such a record. Where a table has so few columns and levels
    that rows are often alike by chance, as twins show, more than chance explains are too many.
    """
    if counts is None or not figures:
        return without(check, "not_applicable", "none were planted, or the internal manifest is not there")
    alike = next((one.baseline for one in copied if not one.of and one.baseline is not None), 1.0)
    if float(counts["planted"]) * alike > BY_CHANCE:
        return judge(check, [beyond(one) for one in figures])
    return of_count(check, float(counts["found"]), "records that nobody has came back whole")


def broken_rules(check: Check, given: Inputs, rules: Sequence[str]) -> Check:
    """Rows of the sets that break a rule which no real row breaks, or more of them than of the real rows."""
    if not rules:
        made = given.manifest.get("config", {}).get("rules", 0)
        if made:
            return without(check, "not_judged", f"the release was made with {made} rules, which are not named: `rules`")
        return without(check, "not_applicable", "no rules are named")
    parsed = [parse_kept_rule(text) for text in rules]
    names = list(given.coding.names)
    for rule in parsed:
        for name in rule.names:
            if name not in names:
                raise SpecError(
                    f"the rule {rule.text!r} names {name!r}, which is no column of both tables{nearest(name, names)}",
                    need=f"some of {', '.join(names[:20])}",
                )
    wanted = sorted({name for rule in parsed for name in rule.names}, key=names.index)
    real, *sets = (frame_in_memory(one)[wanted] for one in (given.real, *given.sets))
    book = given.declared(wanted)
    most, broken, numbers = 0, [], set()
    for one in sets:
        both = encode_table(pd.concat([real, one], ignore_index=True), book)
        observed, made_up = both.take(np.arange(len(real))), both.take(np.arange(len(real), len(real) + len(one)))
        rows = 0
        for number, rule in enumerate(parsed, 1):
            by_real = int(broken_rows([rule], observed, observed).sum())
            by_set = int(broken_rows([rule], made_up, observed).sum())
            # What real rows break, a sample of the people breaks as often; a model that was to keep it never does.
            if by_set and (not by_real or by_set / len(one) > 2 * by_real / len(real)):
                rows += by_set
                broken.append(rule.text)
                numbers.add(number)
        most = max(most, rows)
    # A rule may name values of the data, and this sentence is public.
    why = f"rows of a set break rule {', '.join(map(str, sorted(numbers)))}"
    return of_count(check, most, why, figures=tuple(dict.fromkeys(broken)))


def lone_columns(check: Check, given: Inputs) -> Check:
    """Columns that one table lacks, that have another type, or levels that the codebook does not declare."""
    dropped = {one["column"] for one in given.manifest.get("events", ()) if one.get("code") == "dropped_column"}
    found = {one.column for one in given.findings if one.code in DIFFERENCES} - dropped
    new = {one.column for one in given.findings if one.code == "new_levels"}
    for column in given.coding.columns:
        spec = given.book.get(column.name)
        if column.name in new and spec is not None and spec.levels:
            coding = given.coding.only([column.name])
            real, *sets = (set(np.unique(in_memory(one, coding).groups).tolist()) for one in (given.real, *given.sets))
            # Levels that are declared come first; the last code is of missing cells.
            if set.union(*sets) - real - set(range(len(spec.levels))) - {column.size - 1}:
                found.add(column.name)
    names = sorted(found)
    why = f"{', '.join(names[:5])}: of another type or with other levels, or not in both tables"
    return of_count(check, len(names), why, of=", ".join(names[:5]))


def people_behind(check: Check, given: Inputs, population: Any, keys: Sequence[str]) -> Check:
    """The fewest people of the population who share what an intruder knows of a row of the sets."""
    if population is None:
        return without(check, "not_applicable", "no population is given")
    if not keys:
        return without(check, "not_judged", "no keys are named or proposed")
    people = population_of(population, keys)
    # The population has levels that no table has; numbers are known to the digit.
    coding = with_levels(given.coding.only(keys), [people])
    known, count = coding.rows(people).cells, people["count"].to_numpy(np.float64)
    rows = np.unique(np.concatenate([in_memory(one, coding).cells for one in given.sets]), axis=0)
    ways = min(WAYS["public"] if check.limit is not None and check.limit >= VALUES else WAYS["safeguarded"], len(keys))
    fewest, where = np.inf, ""
    for number in {1, ways} if ways == WAYS["public"] else {ways}:
        for some in combinations(range(len(keys)), number):
            found = _fewest(rows[:, some], known[:, some], count)
            found = found / VALUES if number == 1 and ways > 1 else found
            if found < fewest:
                fewest, where = found, " x ".join(keys[j] for j in some)
    return of_count(check, float(fewest), f"too few people share {where}", of=where)


def _fewest(rows: Any, known: Any, count: Any) -> float:
    """The fewest people of any combination that occurs in the rows."""
    codes, at = np.unique(np.concatenate([rows, known]), axis=0, return_inverse=True)
    at = at.reshape(-1)
    people = np.bincount(at[len(rows) :], weights=count, minlength=len(codes))
    return float(people[at[: len(rows)]].min(initial=np.inf))
