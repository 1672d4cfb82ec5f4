"""The combining rules, one pure function each; long for what is said of each: the code is a few lines a rule.

Which rule holds is decided by how the sets were made, never by the numbers: see `replicant.pool.choose`, which reads
it from a release's manifest. Notation, as in the papers: m sets, q_l the estimate of set l and u_l its variance, qbar
and ubar their means, b the variance of the q_l, T the variance of qbar; n real rows, k synthetic rows.

    rubin1987          imputed, nothing synthesized               T = ubar + (1 + 1/m) b
    reiter2003         partial or complete synthesis, k = n       T = ubar + b/m
    raghunathan2003    complete synthesis, proper                 T = (1 + 1/m) b - ubar
    reiter2004         imputed m times, each synthesized r times  T = ubar + (1 + 1/m) B - bbar/r
    raab2016_simple    complete synthesis, parametric, m >= 1     T = ubar (k/n + 1/m)
    raab2016_proper    the same, proper                           T = ubar (k/n + (1 + k/n)/m)
    raab2016_partial   partial or complete synthesis, any k       T = ubar k/n + b/m
    census             the real rows are the population           T = b/m
    one_step           imputed and synthesized in one chain       T = max(ubar + b/m, (1 + 1/m) b), or a bound

Every function takes estimates (m, q) and variances (m, q) or covariance matrices (m, q, q), and gives a `Combined`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from replicant.errors import SpecError, nearest
from replicant.pool.arrays import Array, Combined, Moments, moments, nested_moments

__all__ = [
    "RULES",
    "barnard_rubin",
    "census",
    "check_rule",
    "one_step",
    "raab2016_partial",
    "raab2016_proper",
    "raab2016_simple",
    "raghunathan2003",
    "reiter2003",
    "reiter2004",
    "rubin1987",
]

_LEAST_SHARE = 1e-4  # of missing information: with less, df would divide by nothing


def barnard_rubin(m: int, share: ArrayLike, dfcom: ArrayLike = np.inf) -> Array:
    """Degrees of freedom under Rubin's rule, for small samples too.

    Barnard & Rubin (1999, Biometrika 86:948-955), equation 3. With infinite `dfcom` it is Rubin's (1987, equation
    3.1.6) (m - 1) / share^2.

    Parameters
    ----------
    m
        Number of sets.
    share
        lambda = (1 + 1/m) b / T. Less than 1e-4 counts as 1e-4, as in mice, so that identical sets have finite df.
    dfcom
        Degrees of freedom that the complete data would have.

    Returns
    -------
    array
        Degrees of freedom, in the common shape of `share` and `dfcom`.
    """
    share, dfcom = np.broadcast_arrays(
        np.maximum(np.asarray(share, np.float64), _LEAST_SHARE), np.asarray(dfcom, np.float64)
    )
    old = (m - 1) / share**2
    # Divided by dfcom throughout: nothing overflows, and an infinite dfcom needs no case of its own.
    inverse = 1 / dfcom
    observed = (1 + 3 * inverse) * inverse / ((1 + inverse) * np.maximum(1 - share, np.finfo(float).tiny))
    return np.asarray(1 / (1 / old + observed))


def rubin1987(estimates: ArrayLike, variances: ArrayLike, *, dfcom: ArrayLike | None = None) -> Combined:
    """Rubin's rule for imputed data: T = ubar + (1 + 1/m) b.

    Rubin (1987), equations 3.1.2 to 3.1.6; degrees of freedom by Barnard & Rubin (1999). For synthetic data it is too
    wide: the synthesis draws are not missing information.

    Parameters
    ----------
    estimates, variances
        (m, q) both, or (m, q, q) covariance matrices; m at least 2.
    dfcom
        Degrees of freedom of the complete-data analysis (n minus parameters); None: infinite.

    Returns
    -------
    Combined
        With fmi = (riv + 2 / (df + 3)) / (riv + 1).
    """
    s = moments(estimates, variances)
    increase = (1 + 1 / s.m) * s.b
    total = s.ubar + increase
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(total > 0, increase / total, 0.0)
        df = barnard_rubin(s.m, share, np.inf if dfcom is None else dfcom)
        riv = increase / s.ubar
        fmi = np.where(s.ubar > 0, (riv + 2 / (df + 3)) / (riv + 1), 1.0)
    return s.combine(total, df, simulation=s.b / s.m, fmi=fmi)


def reiter2003(estimates: ArrayLike, variances: ArrayLike, *, dfcom: ArrayLike | None = None) -> Combined:
    """Reiter's rule for synthetic rows that replace complete real ones: T = ubar + b/m.

    Reiter (2003, Survey Methodology 29:181-188), df = (m - 1) (1 + ubar / (b/m))^2. It holds for partial and for
    complete synthesis with k = n, with draws from a fitted model or from a posterior (Reiter & Kinney 2012, Journal of
    Official Statistics 28:583-590), whatever the model of the synthesis, trees too.

    Parameters
    ----------
    estimates, variances
        (m, q) both, or (m, q, q) covariance matrices; m at least 2.
    dfcom
        Degrees of freedom of the complete-data analysis. None gives the paper's df, which can exceed them: mice's
        `pool.syn` looks dfcom up, stores it and prints it, but never uses it. When given, the uncertainty of ubar is
        counted (Satterthwaite): T^2 / ((b/m)^2 / (m - 1) + ubar^2 / dfcom), which is never above dfcom + m - 1 and
        tends to the paper's df.

    Returns
    -------
    Combined
        Its riv is (b/m) / ubar; mice prints that of Rubin's rule, (1 + 1/m) b / ubar, beside this T.
    """
    s = moments(estimates, variances)
    return s.combine(s.ubar + s.b / s.m, _satterthwaite((s.b / s.m, s.m - 1), (s.ubar, dfcom)), simulation=s.b / s.m)


def raghunathan2003(
    estimates: ArrayLike, variances: ArrayLike, *, n: float | None = None, k: float | None = None
) -> Combined:
    """Raghunathan, Reiter & Rubin's rule for complete, proper synthesis: T = (1 + 1/m) b - ubar.

    Raghunathan, Reiter & Rubin (2003, Journal of Official Statistics 19:1-16), equation 4, with
    df = (m - 1) (1 - ubar / ((1 + 1/m) b))^2 of Reiter (2005, JRSS A 168:185-205). T may turn out negative; then
    Reiter's (2002, Journal of Official Statistics 18:531-543) (k/n) ubar replaces it, which is too large, with a
    normal reference. With few sets (m under about 20) that happens often.

    It holds for sets of new units drawn with drawn parameters (`proper`); never for plug-in draws, where b is about
    ubar and T about 0.

    Parameters
    ----------
    estimates, variances
        (m, q) both, or (m, q, q) covariance matrices; m at least 2.
    n, k
        Rows of the real data and of each synthetic set; None: equal.

    Returns
    -------
    Combined
        Estimates, their variance and degrees of freedom.
    """
    s = moments(estimates, variances)
    increase = (1 + 1 / s.m) * s.b
    total = increase - s.ubar
    negative = total <= 0
    with np.errstate(divide="ignore"):
        df = np.where(negative, np.inf, (s.m - 1) * (1 - s.ubar / np.where(negative, 1.0, increase)) ** 2)
    total = np.where(negative, _ratio(n, k) * s.ubar, total)
    said = _said(negative, "variance (1 + 1/m) b - ubar is negative; (k/n) ubar stands in, which is too large")
    return s.combine(total, df, simulation=s.b / s.m, relative=False, messages=said)


def reiter2004(estimates: ArrayLike, variances: ArrayLike, *, dfcom: ArrayLike | None = None) -> Combined:
    """Reiter's rule for nested sets: m imputations, each synthesized r times: T = ubar + (1 + 1/m) B - bbar/r.

    Reiter (2004, Survey Methodology 30:235-242): B is the variance of the m nest means, bbar the mean of the m
    variances within nests; 1/df = ((1 + 1/m) B)^2 / ((m - 1) T^2) + (bbar/r)^2 / (m (r - 1) T^2).

    T is a difference. With few sets it comes out near 0 or below by chance, and the paper's df next to none: for m = 5
    and r = 2 one interval in a hundred was more than 10^20 times as long as needed in a simulation. B - bbar/r
    estimates the variance that imputations would have between them without the noise of synthesis, which is not
    negative: so T is not taken to be less than ubar + bbar/(m r). And where df of the difference would be below m - 1,
    those of B alone, no difference is taken, and T is Reiter's (2008, Statistics and Probability Letters 78:15-20) for
    negative ones, ubar + (1 + 1/m) B, with the df of Rubin's rule (or the bound above, where that is more). With m of 5
    or more, intervals then cover 94 % or more, as the paper's do, and 99 of a hundred are at most 3.6 times as long as
    needed, 2.6 times where synthesis adds less than twice ubar: `tests/benchmarks/nested_coverage.py`.

    Parameters
    ----------
    estimates, variances
        (m, r, q) both, or (m, r, q, q) covariance matrices; m and r at least 2.
    dfcom
        Degrees of freedom of the complete-data analysis, counted as in `reiter2003`; None: infinite.

    Returns
    -------
    Combined
        Estimates, their variance and degrees of freedom.
    """
    s = nested_moments(estimates, variances)
    total, df, said = _nested(s, s.ubar, dfcom)
    return s.combine(total, df, simulation=s.b / s.m, messages=said)


def raab2016_simple(
    estimates: ArrayLike,
    variances: ArrayLike,
    *,
    n: float | None = None,
    k: float | None = None,
    dfcom: ArrayLike | None = None,
) -> Combined:
    """Raab, Nowok & Dibben's T_s for complete synthesis by plug-in draws: T = ubar (k/n + 1/m), m = 1 included.

    Raab, Nowok & Dibben (2016, Journal of Privacy and Confidentiality 7(3):67-97), section 3. It holds where every
    analysed column is synthesized by a parametric model with parameters fitted on the same n rows. It knows nothing
    of the error that a tree adds: for CART it is too short.

    Parameters
    ----------
    estimates, variances
        (m, q) both, or (m, q, q) covariance matrices; m = 1 will do.
    n, k
        Rows of the real data and of each synthetic set; None: equal.
    dfcom
        Degrees of freedom of the complete-data analysis; None: normal, as in the paper and in synthpop.

    Returns
    -------
    Combined
        Estimates, their variance and degrees of freedom.
    """
    s = moments(estimates, variances, least=1)
    rest = s.ubar / s.m
    df = np.asarray(np.inf if dfcom is None else dfcom)
    return s.combine(s.ubar * _ratio(n, k) + rest, df, simulation=rest, relative=False)


def raab2016_proper(
    estimates: ArrayLike,
    variances: ArrayLike,
    *,
    n: float | None = None,
    k: float | None = None,
    dfcom: ArrayLike | None = None,
) -> Combined:
    """Raab, Nowok & Dibben's T_p for complete, proper synthesis: T = ubar (k/n + (1 + k/n)/m), m = 1 included.

    Raab, Nowok & Dibben (2016), section 3: as `raab2016_simple`, with parameters drawn anew for each set.

    Parameters
    ----------
    estimates, variances, n, k, dfcom
        As for `raab2016_simple`.

    Returns
    -------
    Combined
        Estimates, their variance and degrees of freedom.
    """
    s = moments(estimates, variances, least=1)
    ratio = _ratio(n, k)
    rest = s.ubar * (1 + ratio) / s.m
    df = np.asarray(np.inf if dfcom is None else dfcom)
    return s.combine(s.ubar * ratio + rest, df, simulation=rest, relative=False)


def raab2016_partial(
    estimates: ArrayLike,
    variances: ArrayLike,
    *,
    n: float | None = None,
    k: float | None = None,
    dfcom: ArrayLike | None = None,
) -> Combined:
    """The rule for partial synthesis with any number of rows: T = ubar k/n + b/m.

    Raab, Nowok & Dibben (2016) and synthpop's `incomplete = TRUE`. synthpop refers it to the normal distribution; b is
    known to m - 1 degrees of freedom only, so here Reiter's (2003) df are used, with ubar k/n for ubar. With k = n it
    is `reiter2003`.

    Parameters
    ----------
    estimates, variances
        (m, q) both, or (m, q, q) covariance matrices; m at least 2.
    n, k
        Rows of the real data and of each synthetic set; None: equal.
    dfcom
        Degrees of freedom of the complete-data analysis, counted as in `reiter2003`; None: infinite.

    Returns
    -------
    Combined
        Estimates, their variance and degrees of freedom.
    """
    s = moments(estimates, variances)
    real = s.ubar * _ratio(n, k)
    df = _satterthwaite((s.b / s.m, s.m - 1), (real, dfcom))
    return s.combine(real + s.b / s.m, df, simulation=s.b / s.m, relative=False)


def census(
    estimates: ArrayLike,
    variances: ArrayLike | None = None,
    *,
    fraction: float = 1.0,
    imputed: bool = False,
    dfcom: ArrayLike | None = None,
) -> Combined:
    """When the real rows are the whole population, or a known share f of it: T = (1 - f) ubar + b/m.

    With f = 1 the only uncertainty is that of the draws. Imputed census: T = (1 + 1/m) b (Vink & van Buuren 2014,
    arXiv:1409.8542); imputed and synthesized r times (estimates (m, r, q)): `reiter2004` without ubar, where a
    difference has fewer df than B alone, so that T = (1 + 1/m) B again, or bbar/(m r) if that is more. Each is the rule
    for samples with the sampling variance left out, and the df follow: m - 1 with f = 1. mice offers the population
    rule through `custom.t`, but then sets lambda to 1, and Barnard and Rubin's df to 0: no interval comes out.

    Parameters
    ----------
    estimates
        (m, q), or (m, r, q) for nested sets.
    variances
        Of the same shape; may be None where `fraction` is 1.
    fraction
        Real rows over rows of the population.
    imputed
        Whether the m sets are imputations, with nothing synthesized.
    dfcom
        Degrees of freedom of the complete-data analysis, for `fraction` below 1; None: infinite.

    Returns
    -------
    Combined
        Estimates, their variance and degrees of freedom.

    Raises
    ------
    SpecError
        If the population is smaller than the data, or it is larger and there are no variances.
    """
    if not 0 < fraction <= 1:
        raise SpecError("The population is smaller than the data.", need="a population at least as large as the data")
    if variances is None and fraction < 1:
        raise SpecError("With a population larger than the data, the variances are needed.")
    nested = np.ndim(estimates) == 3
    s = nested_moments(estimates, variances) if nested else moments(estimates, variances)
    real = np.zeros_like(s.b) if fraction == 1 else (1 - fraction) * s.ubar
    if nested:
        total, df, said = _nested(s, real, dfcom)
    else:
        between = (1 + 1 / s.m) * s.b if imputed else s.b / s.m
        total, df, said = real + between, _satterthwaite((between, s.m - 1), (real, dfcom)), ()
    return s.combine(total, df, simulation=s.b / s.m, relative=False, messages=said)


def one_step(
    estimates: ArrayLike,
    variances: ArrayLike,
    *,
    v_mis: ArrayLike | None = None,
    complete: bool = True,
    dfcom: ArrayLike | None = None,
) -> Combined:
    """Imputed and synthesized in one chain, one set of each: what Volker & Vink (2021) leave open.

    Each set carries the noise of its imputation and of its synthesis, so b estimates V_mis + V_syn, and

        T = ubar + V_mis + (V_mis + V_syn)/m = ubar + b/m + V_mis.

    b alone does not separate the two, hence Reiter's ubar + b/m is too short and Rubin's ubar + (1 + 1/m) b too
    long, and T lies between. Our own derivation, held by simulation (`engine/docs/coverage.md`):

    - the maker publishes V_mis (the between variance of the estimate over the m completed, not yet synthesized sets):
      T = ubar + b/m + V_mis, df = (m - 1) (T / (b/m + V_mis))^2;
    - complete synthesis by plug-in draws, k = n: V_syn is about ubar, so max(0, b - ubar) estimates V_mis and
      T = max(ubar + b/m, (1 + 1/m) b), df = (m - 1) (T / ((1 + 1/m) b))^2;
    - partial synthesis with nothing published: the bound T = ubar + (1 + 1/m) b with Rubin's df.

    These df are Satterthwaite's. They take b at its word, and grow without bound where it is small by chance: with
    three sets or more that does little, with two it does much. For complete synthesis the intervals would cover 96.1 %
    with V_mis = 0 and 89.9 % with V_mis = 3 ubar; one degree of freedom would cover always, at 12.7 standard errors. So
    two sets are given 2 degrees of freedom, for this reason: S = V_mis + V_syn is not below V_syn, about ubar. Let the
    share g = V_mis / S have the density (1 - g)^(-1/2), as Jeffreys' prior of a share has it near 1. Then S has the
    density S^(-3/2), and given b it is (m - 1) b / chi2 with m degrees of freedom, cut off below ubar. So taken, the
    intervals cover 97.5 % or more up to V_mis = 3 ubar, and 93 % up to 8 ubar (89 % of the information missing); where
    V_mis is given, or the bound is used, more. They are a third as long as with one degree of freedom.

    Parameters
    ----------
    estimates, variances
        (m, q) both, or (m, q, q) covariance matrices; m at least 2.
    v_mis
        Variance of the estimate between completed sets, (q,) or one number, if the maker gives it.
    complete
        Whether all analysed columns are synthesized in all rows. Where it is not so, say False: the rule for complete
        synthesis would be too short.
    dfcom
        Degrees of freedom of the complete-data analysis, counted as in `reiter2003`; None: infinite.

    Returns
    -------
    Combined
        Estimates, their variance and degrees of freedom.

    Raises
    ------
    SpecError
        If `v_mis` fits no term, or is negative.
    """
    s = moments(estimates, variances)
    upper = (1 + 1 / s.m) * s.b
    if v_mis is not None:
        given = np.asarray(v_mis, np.float64)
        if given.ndim > 1 or (given.ndim and given.shape != s.b.shape) or not (given >= 0).all():
            raise SpecError("`v_mis` does not fit.", need="one variance for each term, or one for all; none negative")
        extra = s.b / s.m + given
        total = s.ubar + extra
        return s.combine(total, _one_step_df(s, total, extra, dfcom), simulation=s.b / s.m)
    if not complete:
        said = ("ubar + (1 + 1/m) b is an upper bound: the release does not separate imputation from synthesis",)
        total = s.ubar + upper
        return s.combine(total, _one_step_df(s, total, upper, dfcom), simulation=s.b / s.m, messages=said)
    total = np.maximum(s.ubar + s.b / s.m, upper)
    said = ("holds for complete synthesis only; for partial synthesis say complete=False or give v_mis",)
    return s.combine(total, _one_step_df(s, total, upper, dfcom), simulation=s.b / s.m, messages=said)


RULES: dict[str, Callable[..., Combined]] = {
    rule.__name__: rule
    for rule in (
        rubin1987,
        reiter2003,
        raghunathan2003,
        reiter2004,
        raab2016_simple,
        raab2016_proper,
        raab2016_partial,
        census,
        one_step,
    )
}


def _satterthwaite(*components: tuple[Array, ArrayLike | None]) -> Array:
    """df of a sum of independent variance estimates, each with its own df (None: known)."""
    total = sum((value for value, _ in components), np.zeros_like(components[0][0]))
    with np.errstate(divide="ignore", invalid="ignore"):  # a saturated model has no degrees of freedom
        each = (value**2 / np.asarray(df, np.float64) for value, df in components if df is not None)
        spread = sum(each, np.zeros_like(total))
        return np.where(spread > 0, total**2 / spread, np.inf)


def _nested(s: Moments, real: Array, dfcom: ArrayLike | None) -> tuple[Array, Array, tuple[str, ...]]:
    """Total variance and df of nested sets, beside `real` of sampling, with what must be said: see `reiter2004`."""
    increase, excess = (1 + 1 / s.m) * s.b, s.b_within / s.r
    total = real + np.maximum(increase - excess, excess / s.m)
    unsure = increase**2 / (s.m - 1) + excess**2 / (s.m * (s.r - 1))
    few = total**2 < (s.m - 1) * unsure
    simple = real + increase
    spread = np.where(few, increase**2 / (s.m - 1), unsure)
    if dfcom is not None:
        spread = spread + real**2 / np.asarray(dfcom, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        df = np.where(spread > 0, np.where(few, simple, total) ** 2 / spread, np.inf)
    said = _said(few, "variance rests on too uncertain a difference; what is used in its place is rather too large")
    return np.where(few, np.maximum(total, simple), total), df, said


def _one_step_df(s: Moments, total: Array, unsure: Array, dfcom: ArrayLike | None) -> Array:
    """df of a total of which `unsure` rests on the m sets; why two sets are a case of their own: see `one_step`."""
    spread = unsure**2 / (s.m - 1) if s.m > 2 else total**2 / s.m
    if dfcom is not None:
        spread = spread + s.ubar**2 / np.asarray(dfcom, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(spread > 0, total**2 / spread, np.inf)


def _ratio(n: float | None, k: float | None) -> float:
    """k / n, 1 where either is not given."""
    if n is None or k is None:
        return 1.0
    if not (n > 0 and k > 0):
        raise SpecError("Numbers of rows must be positive.", need="n real rows, k rows in each synthetic set")
    return k / n


def _said(negative: NDArray[np.bool_], what: str) -> tuple[str, ...]:
    count = int(np.count_nonzero(negative))
    return (f"{count} of {np.size(negative)} terms: the {what}",) if count else ()


def check_rule(rule: object) -> None:
    """Refuse what is not the name of a rule.

    Raises
    ------
    SpecError
        The rule is unknown; the message lists the names and suggests the nearest.
    """
    if not isinstance(rule, str):
        raise SpecError(f"`rule` is of type {type(rule).__name__}", need=f"one of {', '.join(RULES)}, as a text")
    if rule not in RULES:
        from replicant.spec.synonyms import instead

        fix = instead("rule", rule)
        near = "" if fix else nearest(rule, RULES)
        raise SpecError(f"No rule is called {rule!r}{near or '.'}", need=f"one of {', '.join(RULES)}", fix=fix)
