"""Standard errors of samples, of groups and of unequal spread: the sandwich A M A, of which this makes M.

- Survey weights (Binder 1983): M is the variance of a total of scores over primary sampling units, drawn with
  replacement within strata, as `survey::svyrecvar` has it for one stage: sum over strata h of
  (1 - f_h) n_h / (n_h - 1) times the sum over units of (z - mean z)(z - mean z)'. n_h counts the units that were drawn:
  those whose rows are left out of an analysis have the score 0, as in a domain.
- Clusters (CR1, as statsmodels' and Stata's): the sum over groups of zz', times G / (G - 1) (n - 1) / (n - k).
- HC0 to HC3 (White 1980; MacKinnon & White 1985), as `sandwich::vcovHC`: the sum over rows of ss', times n / (n - k) in
  HC1, each divided by 1 - h in HC2 and by (1 - h)^2 in HC3, h being the leverage.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from replicant.errors import DataError, SpecError
from replicant.estimate.design import Design, Prepared
from replicant.estimate.sampling import Sampling
from replicant.estimate.units import Key, UnitSums, unit_sums
from replicant.table.arrays import Floats

__all__ = ["Linearized", "Robust", "linearized", "robust"]


@dataclass(frozen=True, eq=False, slots=True)
class Linearized:
    """The variance of a total over sampling units.

    Attributes
    ----------
    variance
        (k, k), or (k,) where only these were wanted.
    units, strata
        How many of them have rows in the analysis.
    """

    variance: Floats
    units: int
    strata: int

    @property
    def degrees(self) -> float:
        """Degrees of freedom, `survey::degf`: units less strata."""
        return float(self.units - self.strata)


@dataclass(frozen=True, eq=False, slots=True)
class Robust:
    """Covariance of estimates, and what goes with it.

    Attributes
    ----------
    covariance
        (k, k).
    df
        Degrees of freedom.
    errors
        What they are, as `Fit` has it.
    messages
        What is to be said.
    """

    covariance: Floats
    df: float
    errors: str = "model"
    messages: tuple[str, ...] = ()


def linearized(sums: UnitSums, sampling: Sampling, *, full: bool = True) -> Linearized:
    """The variance of a total of which the sums by unit are known.

    Parameters
    ----------
    sums
        Over all partitions.
    sampling
        How the units were drawn.
    full
        As of `unit_sums`.

    Raises
    ------
    DataError
        If a stratum has a single unit, if a unit is in two strata, or an fpc makes no sense.
    """
    _check_nested(sums, sampling)
    strata: dict[Key, list[int]] = {}
    for i, key in enumerate(sums.keys):
        strata.setdefault(key[:2], []).append(i)
    _check_fpc(list(strata), sampling)
    # A stratum without a row in the analysis adds nothing, however many units were drawn of it.
    strata = {key: members for key, members in strata.items() if sums.used[members].any()}
    k = sums.sums.shape[1]
    total = np.zeros((k, k) if full else k)
    lonely = 0
    for (_, fpc), members in strata.items():
        n = float(sums.sampled[members].sum()) if sums.rows else float(len(members))
        f = _sampled_share(fpc, n, sampling)
        if f > 1 - 1e-7:
            continue
        if n > 1:
            total += (1 - f) * n / (n - 1) * _centred(sums, members, n, full)
        else:
            lonely += 1
            z = sums.sums[members[0]]
            if sampling.lonely_psu == "adjust":
                total += (1 - f) * (np.outer(z, z) if full else z * z)
    if lonely and sampling.lonely_psu == "fail":
        raise DataError(
            f"{lonely} strata have a single sampling unit: how much units differ there cannot be known",
            need="two or more units in each stratum",
            fix='join such strata with others, or say lonely_psu="adjust", "average" or "certainty"',
        )
    if sampling.lonely_psu == "average" and lonely:
        total = total * (len(strata) / (len(strata) - lonely) if len(strata) > lonely else np.nan)
    units = sums.used.sum() if sums.rows else np.count_nonzero(sums.used)
    return Linearized(total, int(units), len(strata))


def _centred(sums: UnitSums, members: list[int], n: float, full: bool) -> Floats:
    """Sum of squares of the units of a stratum about their mean; units without a row in the analysis are 0."""
    if sums.rows:
        [i] = members
        used = sums.used[i]
        mean = sums.sums[i] / max(used, 1.0)
        return np.asarray(sums.cross[i] + (np.outer(mean, mean) if full else mean * mean) * (used * (n - used) / n))
    z = sums.sums[members]
    z = z - z.mean(axis=0)
    return np.asarray(z.T @ z if full else (z * z).sum(axis=0))


def _check_nested(sums: UnitSums, sampling: Sampling) -> None:
    if sums.rows or sampling.strata is None or sampling.nest:
        return
    first: dict[object, object] = {}
    twice = {key[2] for key in sums.keys if first.setdefault(key[2], key[0]) != key[0]}
    if twice:
        raise DataError(
            f"{len(twice)} units of {sampling.clusters!r} are in more than one stratum of {sampling.strata!r}",
            need="units within strata",
            fix="nest=True (--nest), if a unit's name that comes again in another stratum is another unit",
        )


def _check_fpc(strata: list[Key], sampling: Sampling) -> None:
    if sampling.fpc is not None and len({key[0] for key in strata}) < len(strata):
        raise DataError(
            f"{sampling.fpc!r} differs within a stratum", need="one number of units, or one share, for each stratum"
        )


def _sampled_share(fpc: object, n: float, sampling: Sampling) -> float:
    """The share of the units that was drawn; 0 without an fpc: drawn with replacement."""
    if sampling.fpc is None:
        return 0.0
    try:
        value = float(fpc)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise DataError(f"{sampling.fpc!r} holds values other than numbers", need="units, or a share") from None
    if 0 < value <= 1:
        return value
    if not value >= n:
        raise DataError(
            f"{sampling.fpc!r} says that a stratum has fewer units in the population than were drawn of it",
            need="the number of units in the population, or the share drawn",
        )
    return n / value


def robust(
    prepared: Prepared,
    scores: Callable[[Design], Floats],
    bread: Floats,
    *,
    n: float,
    k: int,
    own: Floats,
    leverages: Callable[[Design], Floats] | None = None,
) -> Robust:
    """The covariance of a model's estimates, as its sampling wants it.

    Parameters
    ----------
    prepared
        The model's data.
    scores
        (n, k) score of each row of a partition, without its weight.
    bread
        (k, k) inverse of the weighted information.
    n, k
        Rows, or the sum of frequencies; parameters.
    own
        (k, k) the model's own covariance: that of independent rows of which it is true.
    leverages
        (n,) of the rows of a partition; None for a model that has none.
    """
    sampling = prepared.sampling
    if sampling.cov is not None:
        return _unequal(prepared, scores, bread, n, k, leverages)
    if not sampling.has_units:
        return Robust(own, max(n - k, 0.0))

    def totals(design: Design) -> UnitSums:
        z = scores(design)
        assert design.units is not None
        return unit_sums(design.units, z if design.weights is None else z * design.weights[:, None])

    sums = prepared.reduce(totals, UnitSums.combine)
    messages = [sampling.says]
    if sampling.survey:
        found = linearized(sums, sampling)
        df = found.degrees + 1 - k
        if df <= 0:
            messages.append(
                f"{found.units} sampling units in {found.strata} strata for {k} terms: no degrees of freedom are left"
            )
        return Robust(bread @ found.variance @ bread, max(df, 0.0), sampling.errors, tuple(messages))
    if sums.missing:
        messages.append(f"{sampling.cluster} is missing in {sums.missing} rows: left out")
    z = sums.sums[sums.used > 0]
    groups = len(z)
    if groups < 2:
        raise DataError(f"{sampling.cluster!r} has {groups} group with complete rows", need="two or more, best forty")
    scale = groups / (groups - 1) * (n - 1) / (n - k) if n > k else np.nan
    return Robust(bread @ (z.T @ z) @ bread * scale, float(groups - 1), sampling.errors, tuple(messages))


def _unequal(
    prepared: Prepared,
    scores: Callable[[Design], Floats],
    bread: Floats,
    n: float,
    k: int,
    leverages: Callable[[Design], Floats] | None,
) -> Robust:
    sampling = prepared.sampling
    power = {"HC2": 1, "HC3": 2}.get(str(sampling.cov), 0)
    if power and leverages is None:
        raise SpecError(
            f"{sampling.cov} for a model whose rows have no leverage", need="HC0 or HC1, or ols, logit, probit, poisson"
        )

    def meat(design: Design) -> tuple[Floats, int]:
        s = scores(design)
        w = np.ones(len(s)) if design.weights is None else design.weights
        alone = 0
        if power and leverages is not None:
            left = 1 - leverages(design)
            alone = int(np.count_nonzero(left < 1e-10))
            w = w / np.where(left < 1e-10, np.nan, left) ** power
        return np.asarray((s.T * w) @ s), alone

    middle, alone = prepared.reduce(meat, lambda a, b: (a[0] + b[0], a[1] + b[1]))
    scale = (n / (n - k) if n > k else np.nan) if sampling.cov == "HC1" else 1.0
    messages = [sampling.says]
    if alone:
        messages.append(f"{sampling.cov} cannot be known: {alone} rows decide on a term by themselves (leverage 1)")
    return Robust(bread @ middle @ bread * scale, max(n - k, 0.0), sampling.errors, tuple(messages))
