"""Can real and synthetic rows be told apart? By a logistic model on all columns, and by a shallow tree.

The logistic model reduces over partitions like any other. From its scores come the confusion of classes drawn with the
fitted probability and of classes cut at one half, the area under the curve, and the propensity mean squared error with
its mean and deviation where the synthesis model is right (Snoke, Raab, Nowok, Dibben & Slavkovic 2018, JRSS A 181).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from replicant.errors import DataError, SpecError
from replicant.estimate.confusion import Confusion
from replicant.estimate.design import Design, Prepared, Survey, merge_surveys, prepare, same_levels, survey
from replicant.estimate.formula import parse
from replicant.estimate.glm import fit_glm
from replicant.estimate.links import logistic
from replicant.estimate.moments import Basis, basis_of, moments
from replicant.estimate.partitions import Source, columns_of, is_survey, partitioned
from replicant.estimate.result import Fit
from replicant.table.arrays import Floats

__all__ = [
    "Discrimination",
    "Discriminator",
    "SetScore",
    "TreeDiscrimination",
    "discriminate",
    "discriminate_tree",
]

S = TypeVar("S")
BINS = 1 << 14


# -------------------------------------------------------------------- two sides, one source


@dataclass(frozen=True, eq=False, slots=True)
class _Side:
    """The real partitions or the synthetic ones, with a column that tells which; weights are scaled."""

    source: Source
    indicator: str
    value: float
    scale: float

    @property
    def n_partitions(self) -> int:
        return self.source.n_partitions

    @property
    def cached(self) -> bool:
        return self.source.cached

    @property
    def remote(self) -> bool:
        return self.source.remote

    def reduce(self, function: Callable[[pd.DataFrame, Floats | None], S], combine: Callable[[S, S], S], /) -> S:
        # The function may travel; this object, and the source in it, stays.
        return self.source.reduce(partial(_on_side, function, self.indicator, self.value, self.scale), combine)

    def design(self, prepared: Prepared) -> Design:
        """The design of all its rows."""

        def of(frame: pd.DataFrame, weights: Floats | None) -> Design:
            return prepared.design(frame, None if weights is None else weights * self.scale, self.value)

        return self.source.reduce(of, Design.beside)


def _on_side(
    function: Callable[[pd.DataFrame, Floats | None], S],
    indicator: str,
    value: float,
    scale: float,
    frame: pd.DataFrame,
    weights: Floats | None,
) -> S:
    return function(frame.assign(**{indicator: value}), None if weights is None else weights * scale)


@dataclass(frozen=True, eq=False, slots=True)
class _Pair:
    """Synthetic partitions, then real ones."""

    synthetic: _Side
    real: _Side

    @property
    def n_partitions(self) -> int:
        return self.synthetic.n_partitions + self.real.n_partitions

    @property
    def cached(self) -> bool:
        return self.synthetic.cached and self.real.cached

    @property
    def remote(self) -> bool:
        return self.synthetic.remote or self.real.remote

    def reduce(self, function: Callable[[pd.DataFrame, Floats | None], S], combine: Callable[[S, S], S], /) -> S:
        return combine(self.synthetic.reduce(function, combine), self.real.reduce(function, combine))


def _tally(frame: pd.DataFrame, weights: Floats | None) -> Floats:
    """Rows with a weight, the sum of weights, and weights that are not whole."""
    if weights is None:
        return np.array([len(frame), len(frame), 0.0])
    return np.array([np.count_nonzero(weights), weights.sum(), np.count_nonzero(weights != np.round(weights))])


# -------------------------------------------------------------------- scores


@dataclass(frozen=True, eq=False, slots=True)
class _Scores:
    """Fitted probabilities, of each row or of the rows of a class in a bin.

    Attributes
    ----------
    p, real
        (n,) the probability that a row is real, and whether it is: 0 or 1.
    weight, count
        (n,) sum of weights, and how many classes are drawn for them.
    """

    p: Floats
    real: Floats
    weight: Floats
    count: Floats

    def combine(self, other: _Scores) -> _Scores:
        return _Scores(
            np.concatenate([self.p, other.p]),
            np.concatenate([self.real, other.real]),
            np.concatenate([self.weight, other.weight]),
            np.concatenate([self.count, other.count]),
        )


def _map_scores(design: Design, beta: Floats, surveyed: bool) -> _Scores:
    kept = np.flatnonzero(np.isfinite(beta))
    matrix = design.matrix if len(kept) == len(beta) else design.matrix[:, kept]
    p = logistic(matrix @ beta[kept])
    ones = np.ones(len(p))
    weight = ones if design.weights is None else design.weights
    return _Scores(p, design.response, weight, ones if surveyed else weight)


def _map_bins(design: Design, beta: Floats, surveyed: bool) -> Floats:
    """(5, BINS): weighted sums of p, then weights and counts of synthetic and of real rows."""
    s = _map_scores(design, beta, surveyed)
    at = np.minimum((s.p * BINS).astype(np.intp), BINS - 1)
    sums = (s.p * s.weight, *(part * side for side in (1 - s.real, s.real) for part in (s.weight, s.count)))
    return np.stack([np.bincount(at, one, BINS) for one in sums])


def _of_bins(sums: Floats) -> _Scores:
    total = sums[1] + sums[3]
    p = np.divide(sums[0], total, where=total > 0, out=np.zeros(BINS))
    sides = [np.flatnonzero(sums[1]), np.flatnonzero(sums[3])]
    return _Scores(
        np.concatenate([p[at] for at in sides]),
        np.repeat([0.0, 1.0], [len(at) for at in sides]),
        np.concatenate([sums[1, sides[0]], sums[3, sides[1]]]),
        np.concatenate([sums[2, sides[0]], sums[4, sides[1]]]),
    )


def _scored(prepared: Prepared, beta: Floats, surveyed: bool) -> tuple[_Scores, float]:
    """The scores, and how far off the area may be for their bins."""
    if prepared.source.cached:
        one = partial(_map_scores, beta=beta, surveyed=surveyed)
        return prepared.reduce(one, _Scores.combine), 0.0
    sums = prepared.reduce(partial(_map_bins, beta=beta, surveyed=surveyed), np.add)
    return _of_bins(sums), float(sums[1] @ sums[3] / (2 * sums[1].sum() * sums[3].sum()))


def _drawn(scores: _Scores, rng: np.random.Generator) -> Floats:
    """(n,) weights of what is drawn to be real."""
    return rng.binomial(scores.count.astype(np.int64), scores.p) * (scores.weight / scores.count)


def _confused(scores: _Scores, called_real: Floats) -> Confusion:
    n, n_real = float(scores.weight.sum()), float(scores.weight @ scores.real)
    called, hit = float(called_real.sum()), float(called_real @ scores.real)
    n_synthetic, missed = n - n_real, called - hit
    return Confusion((0, 1), np.array([[n_synthetic - missed, n_real - hit], [missed, hit]]))


def _distances(scores: _Scores) -> tuple[float, float, float]:
    """The area under the curve, pMSE, and the Kolmogorov-Smirnov distance."""
    order = np.argsort(scores.p, kind="stable")
    p, w = scores.p[order], scores.weight[order]
    of_real = w * scores.real[order]
    n, n_r = w.sum(), of_real.sum()
    pmse = w @ (p - n_r / n) ** 2 / n
    if not 0 < n_r < n:  # rows with a missing value are left out: of one side none may be left
        return np.nan, float(pmse), np.nan
    last = np.append(p[1:] != p[:-1], True)
    below_r, below_s = np.cumsum(of_real)[last], np.cumsum(w - of_real)[last]
    each_s, each_r = np.diff(below_s, prepend=0.0), np.diff(below_r, prepend=0.0)
    auc = each_r @ (below_s - each_s / 2) / (n_r * (n - n_r))
    return float(auc), float(pmse), float(np.abs(below_s / (n - n_r) - below_r / n_r).max())


# -------------------------------------------------------------------- the null


def _map_spread(design: Design, basis: Basis) -> list[Floats]:
    """Of synthetic rows: sums of w, w z, w^2, w^2 z and w^2 z z'; and of all rows that of w."""
    chosen = design.response == 0
    z = basis.rotate(design.matrix[chosen])
    w = np.ones(len(z)) if design.weights is None else design.weights[chosen]
    total = len(design.response) if design.weights is None else design.weights.sum()
    square = w * w
    return [np.asarray(one) for one in (w.sum(), w @ z, square.sum(), square @ z, (z.T * square) @ z, total)]


def _null(prepared: Prepared, scores: _Scores, parameters: int, surveyed: bool) -> tuple[float, float]:
    """Mean and deviation of pMSE where the synthesis model is right.

    The coefficients are then about S^-1 d, with S the covariance of the terms and d the difference of their means, of
    which the fitted model of synthesis leaves the noise of the synthetic rows alone: B. So pMSE is r^2 (1 - r)^2
    d' S^-1 d, r being the share of real rows, with the mean r^2 (1 - r)^2 tr(S^-1 B). Rows that count one each, or as
    so many, have B = S / n_synthetic and thus the chi-squared of Snoke et al.; survey weights spread it.
    """
    n = float(scores.weight.sum())
    share = float(scores.weight @ scores.real) / n
    if not surveyed:
        scale, df = share**2 * (1 - share) / n, parameters - 1
        return df * scale, float(np.sqrt(2.0 * df) * scale)
    basis = basis_of(prepared, moments(prepared))
    w, wz, ww, wwz, wwzz, _ = prepared.reduce(
        partial(_map_spread, basis=basis), lambda a, b: [x + y for x, y in zip(a, b, strict=True)]
    )
    mean = wz / w
    spread = (wwzz - np.outer(mean, wwz) - np.outer(wwz, mean) + ww * np.outer(mean, mean)) / w**2
    scale = share**2 * (1 - share) ** 2  # the terms' covariance is 1 in these coordinates
    return float(scale * np.trace(spread)), float(scale * np.sqrt(2 * (spread * spread).sum()))


# -------------------------------------------------------------------- by a logistic model


@dataclass(frozen=True, eq=False, slots=True)
class SetScore:
    """Real rows against those of one synthetic set.

    Attributes
    ----------
    fit
        Coefficients of the log odds that a row is real.
    confusion_drawn, confusion_cut
        Confusion of classes drawn with the fitted probability, as in the paper, and cut at one half; `0`, synthetic, is
        the positive class.
    auc, auc_error
        Area under the curve, and a bound for what putting scores into bins does to it; 0 where rows are in memory.
    pmse, pmse_null, pmse_null_sd
        Propensity mean squared error; its mean and deviation where the synthesis model is right.
    specks
        Kolmogorov-Smirnov distance of the scores.
    """

    fit: Fit
    confusion_drawn: Confusion
    confusion_cut: Confusion
    auc: float
    auc_error: float
    pmse: float
    pmse_null: float
    pmse_null_sd: float
    specks: float

    @property
    def pmse_ratio(self) -> float:
        """pMSE over its mean under a right model; NaN of a model without terms."""
        return self.pmse / self.pmse_null if self.pmse_null > 0 else np.nan

    @property
    def pmse_z(self) -> float:
        """pMSE in deviations from its mean under a right model; NaN of a model without terms."""
        return (self.pmse - self.pmse_null) / self.pmse_null_sd if self.pmse_null_sd > 0 else np.nan


class Discriminator:
    """Tells one real table from many synthetic sets: what is the same for all of them is made once.

    Parameters
    ----------
    real
        A frame, or partitions of one.
    formula
        One-sided: `~ age + hgt`; all columns, but for the weights, unless given. Rows with missing cells in it are left
        out and said.
    weights
        Of the real rows: a column's name, or an array (one for each partition). A column that the synthetic sets have
        too weights their rows as well; else these count one each.
    weight_kind
        `frequency`: a row stands for so many equal ones, a whole number. `survey`: it stands for so many of the
        population; only the weights of one table relative to one another then count, so that real and synthetic rows
        keep their shares, and standard errors are linearized.
    maxiter
        Most passes of the fit.
    """

    def __init__(
        self,
        real: Any,
        formula: str | None = None,
        *,
        weights: Any = None,
        weight_kind: str = "frequency",
        maxiter: int = 100,
    ) -> None:
        self._surveyed = is_survey(weight_kind)
        self._weights = weights if isinstance(weights, str) else None
        self._weight_kind = weight_kind
        self._maxiter = maxiter
        source = partitioned(real, weights)
        columns = columns_of(source)
        indicator = "is_real"
        while indicator in columns:
            indicator += "_"
        terms = "~ ." if formula is None else formula.strip()
        if not terms.startswith("~"):
            raise SpecError("a formula with a response", need="a one-sided formula: ~ age + hgt")
        known = columns if formula is not None else tuple(name for name in columns if name != self._weights)
        self._formula = parse(f"{indicator} {terms}", (indicator, *known))
        self._names = tuple(name for name in self._formula.names if name != indicator)
        self._indicator = indicator
        self._real = self._side(source, 1.0)
        self._survey = self._levels(source)
        self._last: tuple[Survey, Prepared, Design] | None = None

    def score(self, synthetic: Any, rng: np.random.Generator | None = None) -> SetScore:
        """Real rows against those of one set.

        Parameters
        ----------
        synthetic
            A frame, or partitions of one.
        rng
            For the drawn classes: a stream of the run. Without one, a fixed stream.
        """
        source = partitioned(synthetic)
        if self._weights is not None and self._weights in columns_of(source):
            source = partitioned(synthetic, self._weights)
        prepared = self._prepared(source)
        fit = fit_glm(prepared, "logit", self._weight_kind, maxiter=self._maxiter)
        scores, error = _scored(prepared, fit.estimates, self._surveyed)
        auc, pmse, specks = _distances(scores)
        null, deviation = _null(prepared, scores, int(np.isfinite(fit.estimates).sum()), self._surveyed)
        return SetScore(
            fit,
            _confused(scores, _drawn(scores, rng if rng is not None else np.random.default_rng(0))),
            _confused(scores, scores.weight * (scores.p > 0.5)),
            auc,
            error,
            pmse,
            null,
            deviation,
            specks,
        )

    def _side(self, source: Source, value: float) -> _Side:
        rows, total, broken = source.reduce(_tally, np.add)
        if self._surveyed:
            if not total > 0:
                raise DataError("no row has a weight", need="weights above 0")
            return _Side(source, self._indicator, value, rows / total)
        if broken:
            raise DataError(
                f"{int(broken)} frequency weights are not whole",
                need="whole numbers: a class is drawn for each row that a row stands for",
                fix='weight_kind="survey" takes any',
            )
        return _Side(source, self._indicator, value, 1.0)

    def _levels(self, source: Source) -> Survey:
        wanted = tuple(v.names[0] for v in self._formula.variables if v.role == "factor")
        return survey(source, self._names, wanted)

    def _prepared(self, source: Source) -> Prepared:
        """The formula bound to both sides. The real side's design is the same for all sets whose levels are."""
        pair = _Pair(self._side(source, 0.0), self._real)
        found = merge_surveys(self._levels(source), self._survey)
        last = self._last  # read once: threads may share this object
        if last is not None and same_levels(found, last[0]):
            _, prepared, design = last
            return prepared.on(pair, pair.synthetic.design(prepared).beside(design))
        prepared = prepare(self._formula, pair, found={**found, self._indicator: None})
        if not pair.cached:
            return prepared
        design = self._real.design(prepared)
        if not prepared.learns:
            self._last = found, prepared, design
        return prepared.on(pair, pair.synthetic.design(prepared).beside(design))


@dataclass(frozen=True, eq=False)
class Discrimination:
    """Real against synthetic rows, by one logistic model for each of m sets.

    Attributes
    ----------
    scores
        One for each set.
    """

    scores: tuple[SetScore, ...]

    @property
    def fits(self) -> tuple[Fit, ...]:
        """The model of each set."""
        return tuple(one.fit for one in self.scores)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """A row for each set: auc, pmse, pmse_null, pmse_null_sd, pmse_ratio, pmse_z, specks, auc_error."""
        names = ("auc", "pmse", "pmse_null", "pmse_null_sd", "pmse_ratio", "pmse_z", "specks", "auc_error")
        return pd.DataFrame([{name: getattr(one, name) for name in names} for one in self.scores])

    def confusion_frame(self, which: str = "drawn") -> pd.DataFrame:
        """A row for each set with the statistics of the paper's Table 7.

        Parameters
        ----------
        which
            `drawn`: classes drawn by the fitted probabilities, as in the paper. `cut`: the likelier class.

        Returns
        -------
        DataFrame
            accuracy, balanced_accuracy, kappa, mcnemar_p, sensitivity, specificity, prevalence.

        Raises
        ------
        SpecError
            For another kind of classes.
        """
        if which not in {"drawn", "cut"}:
            raise SpecError("an unknown kind of classes", need="drawn or cut")
        rows = []
        for score in self.scores:
            one = score.confusion_drawn if which == "drawn" else score.confusion_cut
            of_class = {name: values[0] for name, values in one.class_statistics.items()}
            rows.append(
                {
                    "accuracy": one.overall["accuracy"],
                    "balanced_accuracy": of_class["balanced_accuracy"],
                    "kappa": one.overall["kappa"],
                    "mcnemar_p": one.overall["mcnemar_p"],
                    "sensitivity": of_class["sensitivity"],
                    "specificity": of_class["specificity"],
                    "prevalence": of_class["prevalence"],
                }
            )
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        return f"<Real against {len(self.scores)} synthetic sets>"

    def __str__(self) -> str:
        return f"{self._told()}\n{self.frame.round(4).to_string(index=False)}"

    def _told(self) -> str:
        ratio = self.frame["pmse_ratio"]
        return f"pMSE ratio {ratio.mean():.2f} (1 where the sets are drawn right), AUC {self.frame['auc'].mean():.3f}"

    def _repr_html_(self) -> str:
        from replicant.view.fragment import fragment, notes, rows

        names = {"auc": "AUC", "pmse": "pMSE", "pmse_null": "its mean if right", "pmse_ratio": "ratio", "pmse_z": "z"}
        body = [
            (f"set {i}", f"{auc:.3f}", f"{pmse:.5f}", f"{null:.5f}", f"{ratio:.2f}", f"{z:+.2f}")
            for i, (auc, pmse, null, ratio, z) in enumerate(self.frame[list(names)].to_numpy().tolist(), 1)
        ]
        head = ("real against", *names.values())
        said = dict.fromkeys(message for fit in self.fits for message in fit.messages)
        table = rows(head, body, right=range(1, len(head)))
        return fragment("Can real and synthetic rows be told apart?", self._told(), table, notes(said))


def discriminate(
    real: Any,
    synthetic: Any,
    formula: str | None = None,
    *,
    weights: Any = None,
    weight_kind: str = "frequency",
    rng: np.random.Generator | None = None,
    maxiter: int = 100,
) -> Discrimination:
    """Tell real from synthetic rows by a logistic model.

    Parameters
    ----------
    real, formula, weights, weight_kind, maxiter
        As for `Discriminator`.
    synthetic
        m sets: frames, or partitions of them.
    rng
        For the drawn classes: a stream of the run. Without one, a fixed stream.
    """
    sets = [synthetic] if isinstance(synthetic, pd.DataFrame) else list(synthetic)
    if not sets:
        raise DataError("no synthetic sets", need="at least one")
    stream = rng if rng is not None else np.random.default_rng(0)
    told = Discriminator(real, formula, weights=weights, weight_kind=weight_kind, maxiter=maxiter)
    return Discrimination(tuple(told.score(one, stream) for one in sets))


# -------------------------------------------------------------------- by a tree


@dataclass(frozen=True, eq=False)
class TreeDiscrimination:
    """Real against synthetic rows, by one shallow tree for each of m sets.

    Attributes
    ----------
    frame
        A row for each set: `leaves`, `pmse`, `pmse_null` (its mean over permuted labels), `pmse_ratio`, `p_value`
        (share of permutations that reach it, itself counted in).
    """

    frame: pd.DataFrame


def discriminate_tree(
    real: Any,
    synthetic: Any,
    *,
    weights: Any = None,
    rng: np.random.Generator | None = None,
    permutations: int = 50,
    maxdepth: int = 4,
    minbucket: int | None = None,
) -> TreeDiscrimination:
    """Tell real from synthetic rows by a shallow classification tree.

    A tree fits noise too, so its pMSE is compared with that of trees grown on permuted labels.

    Parameters
    ----------
    real, synthetic
        A frame, and m of them.
    weights
        Frequency weights of the real rows: a column's name, or an array. A column that the synthetic sets have too
        weights their rows as well. Rows are repeated.
    rng
        For the permutations: a stream of the run. Without one, a fixed stream.
    permutations
        How many.
    maxdepth, minbucket
        Of the trees; a leaf holds at least 1 % of the rows, and 5, unless given.
    """
    from replicant.table import encode_table
    from replicant.trees import encode_features, grow_tree

    sets = [synthetic] if isinstance(synthetic, pd.DataFrame) else list(synthetic)
    if not isinstance(real, pd.DataFrame) or not all(isinstance(one, pd.DataFrame) for one in sets):
        raise SpecError("partitions for a tree", need="frames in memory", fix="the logistic model takes partitions")
    stream = rng if rng is not None else np.random.default_rng(0)
    rows = []
    real = _repeated(real, weights)
    for each in sets:
        one = _repeated(each, weights if isinstance(weights, str) and weights in each.columns else None)
        table = encode_table(pd.concat([one, real], ignore_index=True))
        # A nominal level of its own for what is missing; ordered codes keep -1.
        codes = [np.where(c.codes < 0, c.size, c.codes) if c.is_categorical else c.codes for c in table.columns]
        features = encode_features(
            [np.maximum(c, -1) for c in codes],
            nominal=[c.kind == "nominal" for c in table.columns],
            values=[None if c.is_categorical else c.values for c in table.columns],
        )
        n = table.n
        labels = np.repeat(np.array([0, 1], dtype=np.int32), [len(one), n - len(one)])
        least = max(5, n // 100) if minbucket is None else minbucket

        def pmse(
            y: np.ndarray[Any, Any], features: Any = features, n: int = n, least: int = least
        ) -> tuple[float, int]:
            tree = grow_tree(
                features,
                range(len(features)),
                y,
                n_classes=2,
                minbucket=least,
                cp=1e-8,
                maxdepth=maxdepth,
                class_risk="gini",
            )
            leaf = tree.training_leaves(n)
            size = np.bincount(leaf)
            share = np.bincount(leaf, y) / np.maximum(size, 1)
            return float(size @ (share - y.mean()) ** 2 / n), tree.n_leaves

        found, leaves = pmse(labels)
        null = np.array([pmse(stream.permutation(labels))[0] for _ in range(permutations)])
        mean = float(null.mean()) if permutations else np.nan
        rows.append(
            {
                "leaves": leaves,
                "pmse": found,
                "pmse_null": mean,
                "pmse_ratio": found / mean if mean > 0 else np.nan,
                "p_value": float((1 + np.count_nonzero(null >= found)) / (1 + permutations)),
            }
        )
    return TreeDiscrimination(pd.DataFrame(rows))


def _repeated(frame: pd.DataFrame, weights: Any) -> pd.DataFrame:
    """Each row as often as its weight says; without the column of weights."""

    def of(part: pd.DataFrame, counts: Floats | None) -> pd.DataFrame:
        if counts is None:
            return part
        if broken := int(_tally(part, counts)[2]):
            raise DataError(f"{broken} frequency weights are not whole", need="whole numbers: rows are repeated")
        again = part.iloc[np.repeat(np.arange(len(part)), counts.astype(np.intp))]
        return again.drop(columns=weights) if isinstance(weights, str) else again

    return partitioned(frame, weights).reduce(of, lambda a, b: pd.concat([a, b]))
