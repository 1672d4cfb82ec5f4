"""Rare levels: which of them are merged, and into which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

from replicant.errors import SpecError
from replicant.table.kinds import Kind
from replicant.table.recode import recoding

if TYPE_CHECKING:
    from replicant.spec.recodings import RareLevels
    from replicant.table.codebook import ColumnSpec

__all__ = ["merge_rare"]


def merge_rare(
    name: str, spec: ColumnSpec, counts: Mapping[Any, int], rare: RareLevels
) -> tuple[ColumnSpec, dict[str, Any], str]:
    """The codebook's entry of a column without its rare levels.

    No level of an ordered column stands alone with fewer records: it joins the neighbour with fewer of them, and the
    larger of both lends its name. Of a nominal column all rare ones become one level, which the least frequent others
    join until it has enough records.

    Parameters
    ----------
    name
        Of the column.
    spec
        Its entry, with its levels.
    counts
        Records of each level.
    rare
        How many records are enough, and the level into which others are merged.

    Returns
    -------
    tuple
        The entry, what a release says of it, and what was done, in words.

    Raises
    ------
    SpecError
        Fewer than two levels would be left, or the level into which they are merged is none of this column.
    """
    labelled = recoding(spec)
    # The labels of coded missing values are no levels.
    levels = list(spec.levels or ()) if labelled is None else labelled.levels
    used = [level for level in levels if counts.get(level, 0)]
    rest = None if spec.kind is Kind.ORDERED else _rest(name, used, rare, spec)
    target = _into_neighbours(used, counts, rare.rows) if rest is None else _into_one(used, counts, rare.rows, rest)
    cells = sum(counts[level] for level in target)
    words = f"{len(target)} of its {len(used)} levels, in {cells} cells, are merged"
    how: dict[str, Any] = {"rare": rare.rows}
    if not target:
        return spec, how, words
    left = list(dict.fromkeys(target.get(level, level) for level in used))
    if len(left) < 2:
        raise SpecError(
            f"rare.{name} is {rare.rows}: merged so, {name!r} has one level",
            need="two levels at least that have as many records",
            fix=f"lower rare.{name}, or leave the column out by `drop`",
        )
    if spec.labels:
        labels = {raw: target.get(label, label) for raw, label in spec.labels.items()}
        spec = spec.model_copy(update={"labels": labels})
    if spec.kind is Kind.ORDERED:
        how["merged"] = tuple(target.items())
    else:
        how["rest"] = rest
    known = [level for level in levels if level not in target]
    known += [level for level in left if level not in known]
    return spec.model_copy(update={"levels": known}), how, words


def _rest(name: str, used: Sequence[Any], rare: RareLevels, spec: ColumnSpec) -> Any:
    """The level into which those of a nominal column are merged.

    Raises
    ------
    SpecError
        It is text and the levels are numbers, or the reverse, or it means missing.
    """
    texts = any(isinstance(level, str) for level in used)
    if rare.into is None:
        nines = (10**digits - 1 for digits in count(2))
        taken = {*used, *spec.missing_codes}
        return "other" if texts else next(one for one in nines if one > max(used, default=0) and one not in taken)
    if texts != isinstance(rare.into, str) or rare.into in spec.missing_codes:
        raise SpecError(
            f"rare.{name}.into is {'text' if isinstance(rare.into, str) else 'a number'}: no level of {name!r} can be",
            need="text" if texts else "a number, as the levels are, that is no coded missing value",
            fix=f"write rare: {{{name}: {{rows: {rare.rows}, into: {'elsewhere' if texts else 99}}}}}",
        )
    return rare.into


def _into_one(used: Sequence[Any], counts: Mapping[Any, int], rows: int, rest: Any) -> dict[Any, Any]:
    others = sorted((level for level in used if level != rest), key=lambda level: counts[level])
    few = [level for level in others if counts[level] < rows]
    records = counts.get(rest, 0) + sum(counts[level] for level in few)
    for level in others[len(few) :]:
        if not 0 < records < rows:
            break
        few.append(level)
        records += counts[level]
    return dict.fromkeys(few, rest)


def _into_neighbours(used: Sequence[Any], counts: Mapping[Any, int], rows: int) -> dict[Any, Any]:
    groups = [[level] for level in used]

    def records(at: int) -> int:
        return sum(counts[level] for level in groups[at])

    while len(groups) > 1:
        least = min(range(len(groups)), key=records)
        if records(least) >= rows:
            break
        beside = min((at for at in (least - 1, least + 1) if 0 <= at < len(groups)), key=records)
        first = min(least, beside)
        groups[first : first + 2] = [groups[first] + groups[first + 1]]
    names = [(max(group, key=lambda level: counts[level]), group) for group in groups]
    return {level: named for named, group in names for level in group if level != named}
