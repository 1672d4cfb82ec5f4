"""Tests of several terms at once: is a vector of parameters equal to a given one?

Each compares a quadratic form (or a mean deviance) with what it would be on average, enlarged by what the draws add.
With rho_b = tr(b ubar^-1)/p, the mean relative variance between the sets, the denominators are

    rubin1987          1 + (1 + 1/m) rho_b                 Li, Raghunathan & Rubin (1991), D1; Meng & Rubin (1992), D3
    reiter2003         1 + rho_b/m                         Reiter (2005, JSPI 131:365-377)
    raghunathan2003    (1 + 1/m) rho_b - 1                 Reiter (2005)
    reiter2004         1 + (1 + 1/m) rho_B - rho_bbar/r    Kinney & Reiter (2010, JOS 26:301-315)
    raab2016_partial   k/n + rho_b/m                       Reiter's with k synthetic rows for n: ubar k/n for ubar
    raab2016_*         k/n + 1/m, or k/n + (1 + k/n)/m     from T, which is ubar times a number

and the reference is F with p and w degrees of freedom; for nested sets w is Satterthwaite's, which in one dimension is
Reiter's (2004) df, instead of the longer expression of the paper, and what stands in for an uncertain difference is
that of `rules.reiter2004`. All suppose that b is proportional to ubar, which makes them usable with m below p.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from replicant.errors import SpecError, nearest
from replicant.pool.arrays import Array, as_numbers
from replicant.pool.distributions import f_tail
from replicant.pool.rules import check_rule
from replicant.view.figures import degrees, probability

__all__ = ["RULES_OF_TESTS", "JointTest", "likelihood_ratio", "wald"]

RULES_OF_TESTS = (
    *("rubin1987", "reiter2003", "raghunathan2003", "reiter2004"),
    *("raab2016_simple", "raab2016_proper", "raab2016_partial"),
)


@dataclass(frozen=True, slots=True)
class JointTest:
    """A test of p parameters at once.

    Attributes
    ----------
    test
        `wald` or `likelihood_ratio`.
    rule
        Which rule's variance it supposes.
    statistic, df1, df2, p_value
        F, its degrees of freedom (df2 may be infinite), and its upper tail; NaN where the variance came out negative
        (`raghunathan2003` with few sets).
    r
        What the draws add, relative to ubar: the denominator of the statistic minus 1.
    messages
        What the reader must know.
    terms
        Names of the parameters, where they are known.
    """

    test: str
    rule: str
    statistic: float
    df1: int
    df2: float
    p_value: float
    r: float
    messages: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()

    def __str__(self) -> str:
        what = f"Joint test of {', '.join(self.terms)}" if self.terms else f"Joint test of {self.df1} parameters"
        said = f"F = {self.statistic:.3f} on {self.df1} and {degrees(self.df2)} df, p {probability(self.p_value)}"
        return "\n".join([f"{what} by {self.rule}: {said}", *(f"Note: {message}." for message in self.messages)])

    def _repr_html_(self) -> str:
        from replicant.view.fragment import fragment, notes, rows

        figures = (f"{self.statistic:.3f}", str(self.df1), degrees(self.df2), probability(self.p_value))
        table = rows(("F", "df", "residual df", "p"), [figures], right=range(4))
        facts = f"{', '.join(self.terms) or f'{self.df1} parameters'}, by {self.rule}"
        return fragment("Joint test", facts, table, notes(self.messages))


def wald(
    estimates: ArrayLike,
    covariances: ArrayLike,
    rule: str = "reiter2003",
    *,
    null: ArrayLike | float = 0.0,
    contrast: ArrayLike | None = None,
    n: float | None = None,
    k: float | None = None,
) -> JointTest:
    """Wald test that q parameters, or p contrasts of them, equal a given vector.

    Parameters
    ----------
    estimates
        (m, q); nested `(m, r, q)`.
    covariances
        (m, q, q); nested `(m, r, q, q)`.
    rule
        One of `RULES_OF_TESTS`.
    null
        The vector, (p,), or one number.
    contrast
        (p, q): tests `contrast @ parameters = null`; None: all q parameters.
    n, k
        Rows of the real data and of each synthetic set, for Raab's rules; equal if not given.

    Returns
    -------
    JointTest
        In one dimension its statistic is the squared t of the same rule.

    Raises
    ------
    SpecError
        If shapes do not fit, a covariance matrix is singular, or the rule has no such test.
    """
    _check(rule)
    q, u = np.asarray(estimates, np.float64), np.asarray(covariances, np.float64)
    depth = 3 if rule == "reiter2004" else 2
    if q.ndim != depth or u.shape != (*q.shape, q.shape[-1]):
        raise SpecError(
            f"The estimates have the shape {q.shape}, the covariance matrices {u.shape}.",
            need="(m, r, q) and (m, r, q, q)" if depth == 3 else "(m, q) and (m, q, q)",
        )
    if not (np.isfinite(q).all() and np.isfinite(u).all()):
        raise SpecError("Estimates or covariances are missing or infinite.", fix="look at the messages of each fit")
    if contrast is not None:
        by = np.atleast_2d(np.asarray(contrast, np.float64))
        if by.ndim != 2 or by.shape[1] != q.shape[-1]:
            raise SpecError(f"The contrast has the shape {by.shape}.", need=f"(p, {q.shape[-1]})")
        q, u = q @ by.T, by @ u @ by.T
    p = q.shape[-1]
    sets = q.shape[:-1]
    _check_sets(rule, sets)
    value = as_numbers("null", null)
    if value.shape not in {(), (p,)}:
        raise SpecError(f"`null` has the shape {value.shape}.", need=f"one number, or ({p},)")
    ubar = u.mean(axis=tuple(range(len(sets))))
    try:
        root = np.linalg.cholesky(ubar)
    except np.linalg.LinAlgError:
        raise SpecError(
            "The mean covariance matrix is singular.", fix="drop collinear terms or redundant contrasts"
        ) from None

    def whitened(differences: Array) -> Array:
        return np.asarray(np.linalg.solve(root, differences[..., None])[..., 0], np.float64)

    means = q.mean(axis=1) if len(sets) == 2 else q
    centre = means.mean(axis=0)
    quadratic = float((whitened(centre - np.broadcast_to(value, (p,))) ** 2).sum())
    m = sets[0]
    between = float((whitened(means - centre) ** 2).sum()) / ((m - 1) * p) if m > 1 else np.nan
    within = np.nan
    if len(sets) == 2:
        within = float((whitened(q - means[:, None]) ** 2).sum()) / (m * (sets[1] - 1) * p)
    return _judged("wald", rule, quadratic, p, sets, between, within, n, k)


def likelihood_ratio(
    own: ArrayLike,
    pooled: ArrayLike,
    p: int,
    rule: str = "reiter2003",
    *,
    nests: ArrayLike | None = None,
    n: float | None = None,
    k: float | None = None,
) -> JointTest:
    """Likelihood-ratio test of p restrictions, from deviances.

    A deviance here is 2 (loglik of the full model - loglik of the restricted model) on one set.

    Parameters
    ----------
    own
        (m,): each set's deviance at its own two maximum-likelihood estimates; nested (m, r).
    pooled
        Of the same shape: at the estimates pooled over all sets (those of the full and of the restricted model).
    p
        Restrictions.
    rule
        One of `RULES_OF_TESTS`.
    nests
        `reiter2004`: of the same shape, at the estimates pooled within each nest.
    n, k
        Rows of the real data and of each synthetic set, for Raab's rules; equal if not given.

    Returns
    -------
    JointTest
        Meng & Rubin's (1992) D3 under `rubin1987`; Reiter's (2005) analogues, and Kinney & Reiter's (2010).

    Raises
    ------
    SpecError
        If shapes do not fit or the rule has no such test.
    """
    _check(rule)
    at_own, at_pooled = np.asarray(own, np.float64), np.asarray(pooled, np.float64)
    depth = 2 if rule == "reiter2004" else 1
    if at_own.ndim != depth or at_pooled.shape != at_own.shape or p < 1:
        raise SpecError(
            f"The deviances have the shapes {at_own.shape} and {at_pooled.shape}, for {p} restrictions.",
            need="one deviance for each set, twice, and at least one restriction",
        )
    sets = at_own.shape
    _check_sets(rule, sets)
    m = sets[0]
    level = float(at_pooled.mean())
    within = np.nan
    middle = float(at_own.mean())
    if rule == "reiter2004":
        at_nests = np.asarray(np.nan if nests is None else nests, np.float64)
        if at_nests.shape != at_own.shape:
            raise SpecError("The nested test needs the deviances at the estimates of each nest.", fix="give `nests`")
        # Mean of (q_li - qbar_l)' U^-1 (q_li - qbar_l) is (r - 1)/r tr(bbar U^-1); the same one level up.
        within = (middle - float(at_nests.mean())) * sets[1] / (p * (sets[1] - 1))
        middle = float(at_nests.mean())
    between = (middle - level) * m / (p * (m - 1)) if m > 1 else np.nan
    return _judged("likelihood_ratio", rule, level, p, sets, between, within, n, k)


def _judged(
    test: str,
    rule: str,
    quadratic: float,
    p: int,
    sets: tuple[int, ...],
    between: float,
    within: float,
    n: float | None,
    k: float | None,
) -> JointTest:
    """From the quadratic form and the relative variances to F and its tail."""
    m = sets[0]
    t = p * (m - 1)
    between = max(between, 0.0)  # a difference of deviances may fall a rounding below
    if rule == "rubin1987":
        r = (1 + 1 / m) * between
        scale, w = 1 + r, _w(t, p, r)
    elif rule == "reiter2003":
        r = between / m
        scale, w = 1 + r, _w(t, p, r)
    elif rule == "raab2016_partial":
        ratio = 1.0 if n is None or k is None else k / n
        r = between / m
        scale, w = ratio + r, _w(t, p, r / ratio)
    elif rule == "raghunathan2003":
        r = (1 + 1 / m) * between
        scale, w = r - 1, _w(t, p, -r)
    elif rule == "reiter2004":
        up, down = (1 + 1 / m) * between, max(within, 0.0) / sets[1]
        scale = 1 + max(up - down, down / m)
        spread = up**2 / t + down**2 / (p * m * (sets[1] - 1))
        w = scale**2 / spread if spread > 0 else np.inf
        if w < t:  # the rule for one term says why
            scale, w = max(scale, 1 + up), t * (1 + 1 / up) ** 2 if up > 0 else np.inf
    else:
        ratio = 1.0 if n is None or k is None else k / n
        scale = ratio + (1 / m if rule == "raab2016_simple" else (1 + ratio) / m)
        w = np.inf
    if scale <= 0:
        said = ("the variance between the sets is too small for this rule: no test; more sets are needed",)
        return JointTest(test, rule, np.nan, p, np.nan, np.nan, scale - 1, said)
    statistic = quadratic / (p * scale)
    return JointTest(test, rule, statistic, p, float(w), float(f_tail(statistic, p, w)), scale - 1)


def _w(t: int, p: int, r: float) -> float:
    """Denominator df of Li, Raghunathan & Rubin (1991), equations 1.17 and 1.18; Reiter's (2005) with r of its rule.

    The second, for t up to 4, is in one dimension the df of the scalar rule.
    """
    if r == 0:
        return np.inf
    if t > 4:
        return float(4 + (t - 4) * (1 + (1 - 2 / t) / r) ** 2)
    return float(t * (1 + 1 / p) * (1 + 1 / r) ** 2 / 2)


def _check(rule: str) -> None:
    check_rule(rule)
    if rule not in RULES_OF_TESTS:
        raise SpecError(
            f"No joint test goes with a rule {rule!r}{nearest(str(rule), RULES_OF_TESTS)}.",
            need=", ".join(RULES_OF_TESTS),
            fix="for 'one_step', that of 'rubin1987' is a conservative bound",
        )


def _check_sets(rule: str, sets: tuple[int, ...]) -> None:
    if min(sets) < (1 if rule in {"raab2016_simple", "raab2016_proper"} else 2):
        raise SpecError(f"The joint test of {rule!r} needs two sets or more (in each nest).")
