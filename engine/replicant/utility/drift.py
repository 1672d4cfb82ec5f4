"""What changed from one release to another: from the releases alone, so what comes out is as sharable as they are.

Set l of the one beside set l of the other is a synthetic set of the table that both real tables would make together,
with a column that tells them apart and was kept. A difference between the two is thus an estimate from m partly
synthetic sets, and pools by Raab, Nowok and Dibben's (2016) T = ubar k/n + b/m, which is Reiter's (2003) for k = n. The
two real tables are taken for independent samples: a panel, whose people are in both, changes less than is said here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from replicant.analysis.data import mapped, typed
from replicant.errors import SpecError
from replicant.estimate.column_summary import ColumnSummary, CoMoments, Moments
from replicant.estimate.discriminate import Discriminator
from replicant.pool import invalid, pool, wald
from replicant.pool.distributions import t_quantile
from replicant.table import Kind
from replicant.table.arrays import Floats
from replicant.utility.drift_terms import Columns, Seen, Terms, look, moments_in, recoded, seen_in, terms_of

if TYPE_CHECKING:
    import pandas as pd

    from replicant.analysis import Data

__all__ = ["Drift", "Sets", "Whole", "drift", "holm"]

_ALIKE = 1e-9  # variance of a combination of terms, relative to the largest, that counts as none


class Sets(Protocol):
    """The sets of a release: what `read_release` and `synthesize` give."""

    @property
    def m(self) -> int:
        """How many."""
        ...

    @property
    def manifest(self) -> Mapping[str, Any]:
        """What the release says of them."""
        ...

    def _data(self, imputation: int) -> Data: ...


@dataclass(frozen=True)
class Whole:
    """All columns together.

    Attributes
    ----------
    pmse, pmse_null, pmse_ratio
        Mean squared error of the propensity by which a logistic model tells the rows of one release from those of the
        other (mean over the sets); what it would be on average if both were from one population; their ratio.
    auc
        Area under that model's curve: 0.5, nothing tells them apart.
    statistic, df1, df2, p_value
        Test that the means of all terms (numbers, shares, missing) are equal.
    """

    pmse: float
    pmse_null: float
    pmse_ratio: float
    auc: float
    statistic: float
    df1: int
    df2: float
    p_value: float


@dataclass(frozen=True, repr=False)
class Drift:
    """What changed from release a to release b.

    Attributes
    ----------
    a, b
        What they are called.
    rows
        Rows of a set of each.
    m
        Pairs of sets compared.
    level
        Of the intervals; a column differs if its adjusted p is below 1 - level.
    columns
        A row for each column of either: `column`, `kind_a`, `kind_b`, `change` (`new`, `vanished`, `type`, or empty),
        `new_levels`, `vanished_levels` (those that occur in one release only), and the test that its distribution is
        equal: `statistic`, `df1`, `df2`, `p_value`, and `p_adjusted` for as many columns as there are (Holm 1979).
    terms
        A row for each mean, share of a level, and share of missing cells: `column`, `measure`, `level`, `a`, `b`,
        `difference`, `std_error`, `df`, `conf_low`, `conf_high`, `p_value`, and `effect`, the difference of means in
        standard deviations.
    whole
        All columns together; None if no column can be compared.
    messages
        What the reader must know.
    """

    a: str
    b: str
    rows: tuple[int, int]
    m: int
    level: float
    columns: pd.DataFrame
    terms: pd.DataFrame
    whole: Whole | None
    messages: tuple[str, ...] = field(default=())

    @property
    def differing(self) -> list[str]:
        """Columns that differ: new, vanished, of another type, or with an adjusted p below 1 - level."""
        found = self.columns
        chosen = (found["change"] != "") | (found["p_adjusted"] < 1 - self.level)
        return [str(name) for name in found.loc[chosen, "column"]]

    def as_dict(self) -> dict[str, Any]:
        """JSON-able: NaN and infinities are None."""
        return {
            "a": self.a,
            "b": self.b,
            "rows": list(self.rows),
            "m": self.m,
            "level": self.level,
            "whole": None if self.whole is None else {k: _plain(v) for k, v in vars(self.whole).items()},
            "differing": self.differing,
            "columns": _records(self.columns),
            "terms": _records(self.terms),
            "messages": list(self.messages),
        }


def drift(a: Sets, b: Sets, *, names: tuple[str, str] = ("a", "b"), level: float = 0.95) -> Drift:
    """Compare two releases, such as those of two years: see `replicant.drift`."""
    if not 0 < level < 1:
        raise SpecError("The level must lie between 0 and 1.", need="0.95, for example")
    ours, theirs = (_entries(one.manifest) for one in (a, b))
    columns = {
        name: _is_numeric(one) for name, one in ours.items() if name in theirs and _are_comparable(one, theirs[name])
    }
    m = min(a.m, b.m)
    # What counts as missing, or as a level, is said by each release's own codebook.
    sets_a, sets_b = ([typed(one._data(i), one.manifest) for i in range(m)] for one in (a, b))
    seen_a, seen_b = (seen_in(sets, columns) for sets in (sets_a, sets_b))
    messages, ratios = _validity(a.manifest, b.manifest, a.m, b.m)
    terms = [one for one in terms_of(columns, seen_a, seen_b) if one.width]
    stacked = _Stacked(terms, look(sets_a, terms), look(sets_b, terms), ratios or (1.0, 1.0)) if terms else None
    return Drift(
        *names,
        (_rows(a), _rows(b)),
        m,
        level,
        _columns(ours, theirs, seen_a, seen_b, None if ratios is None else stacked),
        _terms(columns, seen_a, seen_b, ratios, level),
        None if stacked is None else _whole(stacked, sets_a, sets_b, ratios is not None),
        tuple(messages),
    )


def holm(p: Floats) -> Floats:
    """Adjusted p of several tests (Holm 1979): NaN stay, and do not count."""
    adjusted = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0) if len(order) else []
    return adjusted


def _rows(sets: Sets) -> int:
    manifest = sets.manifest
    return int(manifest.get("k") or manifest.get("n") or 0)


def _entries(manifest: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {str(entry["name"]): entry for entry in manifest["columns"]}


def _is_numeric(entry: Mapping[str, Any]) -> bool:
    return Kind(str(entry["kind"])).is_numeric


def _are_comparable(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether numbers stand beside numbers, or levels beside levels; identifiers are never compared."""
    return _is_numeric(one) == _is_numeric(other) and Kind.IDENTIFIER not in (one["kind"], other["kind"])


def _validity(
    one: Mapping[str, Any], other: Mapping[str, Any], m_a: int, m_b: int
) -> tuple[list[str], tuple[float, float] | None]:
    """Messages, and k/n of both releases; None instead of these if there can be no standard errors."""
    said = []
    if m_a != m_b:
        said.append(f"the releases have {m_a} and {m_b} sets: the first {min(m_a, m_b)} of each are compared")
    for manifest in (one, other):
        reason = invalid("raab2016_partial", manifest)
        if reason is not None:
            return [*said, f"no errors and no tests: {reason}"], None
    if any(manifest.get("config", {}).get("fits") == "shared" for manifest in (one, other)):
        said.append("the fits are shared by all sets, so the models' own error is not counted: p-values are too small")
    if min(m_a, m_b) < 5:
        said.append(f"the variance between sets is known from {min(m_a, m_b)} sets only")
    return said, (_ratio(one), _ratio(other))


def _ratio(manifest: Mapping[str, Any]) -> float:
    """k / n."""
    n, k = manifest.get("n"), manifest.get("k")
    return float(k) / float(n) if n and k else 1.0


# -------------------------------------------------------------------- all terms together


class _Stacked:
    """Differences of the means of all terms, pair by pair, with their covariances."""

    def __init__(
        self, terms: Sequence[Terms], a: Sequence[CoMoments], b: Sequence[CoMoments], ratios: tuple[float, float]
    ) -> None:
        self.terms = terms
        ends = np.cumsum([one.width for one in terms]).tolist()
        self.everything = list(range(ends[-1]))
        self.of_column = {
            one.column: self.everything[end - one.width : end] for one, end in zip(terms, ends, strict=True)
        }
        self.a, self.b = a, b
        self.differences = np.stack([y.mean - x.mean for x, y in zip(a, b, strict=True)])
        self.covariances = np.stack(
            [ratios[0] * _covariance(x) + ratios[1] * _covariance(y) for x, y in zip(a, b, strict=True)]
        )

    def test(self, chosen: Sequence[int]) -> tuple[float, int, float, float]:
        """F, its degrees of freedom and p, of some terms at once; NaN where nothing varies."""
        directions = self._directions(list(chosen))
        if not len(directions):
            return np.nan, 0, np.nan, np.nan
        at = np.ix_(range(len(self.differences)), chosen)
        within = self.covariances[:, chosen][:, :, chosen]
        found = wald(self.differences[at], within, "reiter2003", contrast=directions)
        return found.statistic, found.df1, found.df2, found.p_value

    def _directions(self, chosen: list[int]) -> Floats:
        """(d, c) combinations of the terms that vary: what is computed from other columns adds nothing to them."""
        middle = self.covariances.mean(axis=0)[np.ix_(chosen, chosen)]
        sizes = np.sqrt(np.diag(middle))
        there = np.flatnonzero(sizes > 0)
        if not len(there):
            return np.empty((0, len(chosen)))
        scaled = middle[np.ix_(there, there)] / np.outer(sizes[there], sizes[there])
        values, vectors = np.linalg.eigh(scaled)
        kept = vectors[:, values > _ALIKE * values[-1]]
        directions = np.zeros((kept.shape[1], len(chosen)))
        directions[:, there] = kept.T / sizes[there]
        return directions

    def null(self) -> float:
        """The mean of pMSE if both real tables were from one population.

        For small differences d of the means, pMSE is (r (1 - r))^2 d' S^-1 d, S being the covariance of the terms
        within the releases and r the share of one of them. In one pair d has the variance of two real samples, and
        on top of it that of two syntheses, which the spread of d over the pairs shows.
        """
        directions = self._directions(self.everything)
        n_a, n_b = self.a[0].n, self.b[0].n
        share = n_a / (n_a + n_b)
        spread = sum(one.m2 for one in (*self.a, *self.b)) / sum(one.n - 1 for one in (*self.a, *self.b))
        inverse = np.linalg.pinv(directions @ spread @ directions.T, hermitian=True)
        real = directions @ self.covariances.mean(axis=0) @ directions.T
        around = (self.differences - self.differences.mean(axis=0)) @ directions.T
        drawn = np.einsum("li,ij,lj->", around, inverse, around) / max(1, len(around) - 1)
        return float((share * (1 - share)) ** 2 * (np.trace(inverse @ real) + drawn))


def _covariance(one: CoMoments) -> Floats:
    """(p, p) of the means."""
    return np.asarray(one.m2 / (one.n - 1) / one.n)


def _whole(stacked: _Stacked, a: Sequence[Data], b: Sequence[Data], tested: bool) -> Whole:
    change = partial(recoded, terms=stacked.terms)
    scores = [Discriminator(mapped(x, change)).score(mapped(y, change)) for x, y in zip(a, b, strict=True)]
    pmse = float(np.mean([score.pmse for score in scores]))
    auc = float(np.mean([score.auc for score in scores]))
    null = stacked.null() if tested else np.nan
    test = stacked.test(stacked.everything) if tested else (np.nan, 0, np.nan, np.nan)
    return Whole(pmse, null, pmse / null if null > 0 else np.nan, auc, *test)


# -------------------------------------------------------------------- term by term


def _terms(columns: Columns, a: Seen, b: Seen, ratios: tuple[float, float] | None, level: float) -> pd.DataFrame:
    import pandas as pd

    rows: list[dict[str, Any]] = []

    def add(name: str, measure: str, which: str, one: Floats, other: Floats, sd: float = np.nan) -> None:
        """`one` and `other` are (m, 2): an estimate and its variance for each set."""
        row = {"column": name, "measure": measure, "level": which}
        rows.append(row | _compared(one, other, ratios, level))
        rows[-1]["effect"] = rows[-1]["difference"] / sd if sd > 0 else np.nan

    for name, numeric in columns.items():
        ours, theirs = a[name], b[name]
        if numeric:
            before, after = moments_in(ours), moments_in(theirs)
            sd = float(np.sqrt(np.mean([one.variance for one in (*before, *after)])))
            add(name, "mean", "", _means(before), _means(after), sd)
        else:
            order = sorted({label for one in (*ours, *theirs) for label in one.counts})
            for label in order:
                add(name, "share", label, _shares(ours, label), _shares(theirs, label))
        if any(one.missing for one in (*ours, *theirs)):
            add(name, "missing", "", _missing(ours), _missing(theirs))
    names = ["column", "measure", "level", "a", "b", "difference", "std_error", "df", "conf_low", "conf_high"]
    return pd.DataFrame(rows, columns=[*names, "p_value", "effect"])


def _compared(one: Floats, other: Floats, ratios: tuple[float, float] | None, level: float) -> dict[str, float]:
    found = {"a": float(one[:, 0].mean()), "b": float(other[:, 0].mean())}
    found["difference"] = found["b"] - found["a"]
    names = ("std_error", "df", "conf_low", "conf_high", "p_value")
    if ratios is None or not (np.isfinite(one).all() and np.isfinite(other).all()):
        return found | dict.fromkeys(names, np.nan)
    variances = ratios[0] * one[:, 1] + ratios[1] * other[:, 1]
    if not variances.any() and not (other[:, 0] - one[:, 0]).any():
        return found | dict.fromkeys(names, np.nan)  # the same constant in both
    pooled = pool(other[:, 0] - one[:, 0], variances, "reiter2003", level=level)
    reach = t_quantile((1 + level) / 2, pooled.df)[0] * pooled.std_error[0]
    return found | {
        "std_error": float(pooled.std_error[0]),
        "df": float(pooled.df[0]),
        "conf_low": found["difference"] - float(reach),
        "conf_high": found["difference"] + float(reach),
        "p_value": float(pooled.p_value[0]),
    }


def _means(sets: Sequence[Moments]) -> Floats:
    return np.array([(one.mean, one.variance / one.n) if one.n > 1 else (np.nan, np.nan) for one in sets])


def _shares(sets: Sequence[ColumnSummary[Moments]], level: str) -> Floats:
    return np.array([_share(one.counts.get(level, 0), one.present) for one in sets])


def _missing(sets: Sequence[ColumnSummary[Moments]]) -> Floats:
    return np.array([_share(one.missing, one.rows) for one in sets])


def _share(count: int, total: int) -> tuple[float, float]:
    if not total:
        return np.nan, np.nan
    share = count / total
    return share, share * (1 - share) / total


# -------------------------------------------------------------------- column by column


def _columns(
    ours: Mapping[str, Mapping[str, Any]],
    theirs: Mapping[str, Mapping[str, Any]],
    a: Seen,
    b: Seen,
    stacked: _Stacked | None,
) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for name in [*ours, *(name for name in theirs if name not in ours)]:
        one, other = ours.get(name), theirs.get(name)
        row: dict[str, Any] = {
            "column": name,
            "kind_a": "" if one is None else str(one["kind"]),
            "kind_b": "" if other is None else str(other["kind"]),
            "change": _change(one, other),
            "new_levels": [],
            "vanished_levels": [],
        }
        test: tuple[float, int, float, float] = (np.nan, 0, np.nan, np.nan)
        if name in a:
            before, after = ({label for one in seen[name] for label in one.counts} for seen in (a, b))
            row["new_levels"], row["vanished_levels"] = sorted(after - before), sorted(before - after)
            if stacked is not None:
                test = stacked.test(stacked.of_column.get(name, []))
        rows.append(row | dict(zip(("statistic", "df1", "df2", "p_value"), test, strict=True)))
    table = pd.DataFrame(
        rows,
        columns=[
            *("column", "kind_a", "kind_b", "change", "new_levels", "vanished_levels"),
            *("statistic", "df1", "df2", "p_value"),
        ],
    )
    return table.assign(p_adjusted=holm(table["p_value"].to_numpy(dtype=np.float64)))


def _change(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> str:
    if one is None or other is None:
        return "new" if one is None else "vanished"
    return "type" if (one["kind"], one["dtype"]) != (other["kind"], other["dtype"]) else ""


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): _plain(value) for key, value in row.items()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
