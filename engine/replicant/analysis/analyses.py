"""The fits of one model on m sets: pooled, and tested together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from replicant.analysis.pooling import in_nests, messages_of, pooled_fits
from replicant.errors import DataError, SpecError
from replicant.estimate import Fit, Formula, coefficients, common
from replicant.estimate.learned import Learned
from replicant.pool import RULES_OF_TESTS, Choice, JointTest, Pooled, choose, invalid, pool, valid, wald
from replicant.table.names import set_number
from replicant.view.figures import measured

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CLUSTERED_SHARE", "Analyses"]

CLUSTERED_SHARE = "the interval of R squared takes rows for independent: with clusters it is too short"


@dataclass(frozen=True, eq=False, repr=False)
class Analyses(Sequence[Fit]):
    """The fits of one model on the m sets of a synthesis or release.

    Attributes
    ----------
    fits
        One per set.
    manifest
        What the sets' maker says of them.
    columns
        The columns that the model uses; None if that is not known (a function of the user's).
    learned
        What terms such as `poly` and `bs` have learned of all sets together.
    formula
        The formula of the model; None for a function.
    """

    fits: tuple[Fit, ...]
    manifest: Mapping[str, Any]
    columns: tuple[str, ...] | None = None
    learned: Learned | None = None
    formula: Formula | None = None

    def __len__(self) -> int:
        return len(self.fits)

    @overload
    def __getitem__(self, index: int) -> Fit: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Fit, ...]: ...
    def __getitem__(self, index: int | slice) -> Fit | tuple[Fit, ...]:
        if isinstance(index, slice):
            return self.fits[index]
        return self.fits[set_number(index, len(self.fits), "a coefficient is a row of .frame or .pool().frame")]

    @property
    def terms(self) -> tuple[str, ...]:
        """Terms of all fits, in the order of their first mention."""
        return _terms(self.fits)

    @property
    def frame(self) -> pd.DataFrame:
        """The fits' tables below one another, with a first column `imputation` (1 to m)."""
        import pandas as pd

        tables = [one.frame.assign(imputation=i + 1) for i, one in enumerate(self.fits)]
        stacked = pd.concat(tables, ignore_index=True)
        return stacked[["imputation", *(name for name in stacked if name != "imputation")]]

    def pool(
        self, rule: str = "auto", *, level: float = 0.95, dfcom: float | str | None = "fit", **options: Any
    ) -> Pooled:
        """Pool the fits.

        Parameters
        ----------
        rule
            `auto` reads from the manifest how the sets were made and takes the rule that holds; any other must hold.
        level
            Confidence level of the intervals.
        dfcom
            Degrees of freedom of the complete-data analysis; `fit`: those of the fits; None: a large sample, as
            mice's `pool.syn` takes it.
        options
            For `pool`, such as `transform`, `population` or `v_mis`.

        Returns
        -------
        Pooled
            A term that some fit could not estimate, or that is another parameter there, is left out of the table and
            named in the messages.

        Raises
        ------
        SpecError
            If the rule does not hold for these sets: with the reason, and the rules that do.
        DataError
            If a set lacks a level on which the others rest, a reference say, or no term is left.
        """
        choice = self._choice(rule)
        settings = {**choice.options, **options}
        known: dict[str, Any] = {"notes": choice.warnings, "why": choice.why, "nests": self._nests(choice.rule)}
        return pooled_fits(self.fits, choice.rule, level, dfcom, **known, **settings)

    def test(self, *terms: str, rule: str = "auto", null: float = 0.0) -> JointTest:
        """Test several coefficients at once, pooled over the sets: Wald's test by the rule that holds for them.

        Parameters
        ----------
        terms
            Terms of the formula (`phb`: all its contrasts), names of coefficients, or a smaller formula (`~ . - phb`).
            None: all but the intercept.
        rule
            As in `pool`.
        null
            The value of each under the hypothesis.

        Returns
        -------
        JointTest
            F with its degrees of freedom; D1 of Li, Raghunathan and Rubin (1991) or Reiter's (2005) for synthetic data.

        Raises
        ------
        SpecError
            If a name is neither, or no joint test goes with the rule.
        DataError
            If none of the coefficients could be estimated in every set.
        """
        return self.wald(coefficients(self.fits, terms, self.formula), rule=rule, null=null)

    def wald(
        self,
        terms: str | Sequence[str] | None = None,
        *,
        contrast: Any = None,
        null: Any = 0.0,
        rule: str = "auto",
    ) -> JointTest:
        """Test that coefficients, or combinations of them, have given values.

        Parameters
        ----------
        terms
            As in `test`; None: all but the intercept.
        contrast
            (p, q): `contrast @ coefficients` is tested; None: each of the q coefficients.
        null
            The values, (p,), or one number.
        rule
            As in `pool`.

        Returns
        -------
        JointTest
            As of `test`.

        Raises
        ------
        SpecError, DataError
            As of `test`.
        """
        wanted = () if terms is None else (terms,) if isinstance(terms, str) else tuple(terms)
        asked = coefficients(self.fits, wanted, self.formula)
        fits, kept, _ = common(self.fits)
        left = tuple(term for term in asked if term in kept)
        lost = [f"{term} is left out: it could not be estimated in every set" for term in asked if term not in kept]
        if not left or (lost and contrast is not None):
            raise DataError(f"{', '.join(asked)}: not estimated in every set", need="coefficients that all sets have")
        choice = self._choice(rule)
        chosen = choice.rule
        if chosen == "one_step":
            chosen = "rubin1987"
            lost.append("no joint test goes with the rule one_step: that of rubin1987 is a conservative bound")
        if chosen not in RULES_OF_TESTS:
            raise SpecError(f"no joint test goes with the rule {chosen}", need="one of " + ", ".join(RULES_OF_TESTS))
        sizes = {key: choice.options[key] for key in ("n", "k") if key in choice.options}
        at = [[one.terms.index(term) for term in left] for one in fits]
        estimates = np.array([one.estimates[index] for one, index in zip(fits, at, strict=True)])
        covariances = np.array([one.covariance[np.ix_(index, index)] for one, index in zip(fits, at, strict=True)])
        nests = self._nests(chosen)
        tested = wald(
            in_nests(estimates, nests), in_nests(covariances, nests), chosen, null=null, contrast=contrast, **sizes
        )
        return replace(tested, terms=left, messages=(*lost, *choice.warnings, *tested.messages))

    def r_squared(self, *, adjusted: bool = False, rule: str = "auto", level: float = 0.95) -> Pooled:
        """R squared pooled over the sets, with an interval, on Fisher's scale of its root (Harel 2009).

        Parameters
        ----------
        adjusted
            Whether the adjusted one is meant.
        rule, level
            As in `pool`.

        Returns
        -------
        Pooled
            One line; there is no test of 0, which is the end of the scale.

        Raises
        ------
        SpecError
            If the model has none (other models than `ols`, survey weights, no intercept), or it is not between 0 and 1.

        References
        ----------
        Harel, O. (2009). The estimation of R squared and adjusted R squared in incomplete data sets using multiple
        imputation. *Journal of Applied Statistics* 36(10), 1109-1118.
        """
        values = [one.r_squared_adjusted if adjusted else one.r_squared for one in self.fits]
        shares = np.array([np.nan if value is None else value for value in values])
        name = "adjusted R squared" if adjusted else "R squared"
        if np.isnan(shares).any():
            raise SpecError(
                f"{self.fits[0].model} has no {name} here",
                need="least squares (ols) with residual degrees of freedom and without survey weights: 1/(n - 3), the "
                "variance of Fisher's z, is that of independent rows",
            )
        if any("(Intercept)" not in one.terms for one in self.fits):
            raise SpecError(f"{name} of a model without an intercept is not a squared correlation", need="an intercept")
        outside = [str(i + 1) for i, share in enumerate(shares) if not 0 < share < 1]
        if outside:
            raise SpecError(
                f"{name} is not between 0 and 1 in set {', '.join(outside)}", need="a model that explains something"
            )
        rows = np.array([one.n for one in self.fits])
        if (rows <= 3).any():
            raise SpecError(f"{name} needs more than three rows, and a set has fewer", need="more rows in every set")
        scale = 1 / (2 * np.sqrt(shares) * (1 - shares))  # slope of Fisher's z of the root
        choice = self._choice(rule)
        nests = self._nests(choice.rule)
        pooled = pool(
            in_nests(shares[:, None], nests),
            in_nests((1 / (scale**2 * (rows - 3)))[:, None], nests),
            choice.rule,
            terms=[name],
            level=level,
            transform="r_squared",
            **choice.options,
        )
        said = [CLUSTERED_SHARE] if self.fits[0].grouped else []
        return replace(pooled, messages=(*pooled.messages, *choice.warnings, *said), why=choice.why)

    def _nests(self, rule: str) -> int:
        """How many sets in a row belong to one imputation, for a rule that asks."""
        return int(self.manifest.get("r") or 1) if rule == "reiter2004" else 1

    def _choice(self, rule: str) -> Choice:
        known: dict[str, Any] = {"columns": self.columns, "errors": self.fits[0].errors}
        if rule == "auto":
            return choose(self.manifest, **known)
        reason = invalid(rule, self.manifest, **known)
        if reason is not None:
            holding = valid(self.manifest, **known)
            raise SpecError(
                f"The rule {rule!r} does not hold for these sets: {reason}.",
                need=f"one of {', '.join(holding)}" if holding else "other sets: no rule holds for these",
                fix='use rule="auto"',
            )
        chosen = choose(self.manifest, **known) if valid(self.manifest, **known) else None
        if chosen is not None and chosen.rule == rule:
            return chosen
        size = {name: self.manifest.get(name) for name in ("n", "k")}
        needs_size = rule.startswith(("raab2016", "raghunathan")) and size["n"] != size["k"]
        return Choice(rule, "asked for", options=size if needs_size else {})

    def __repr__(self) -> str:
        first = self.fits[0]
        return f"<Analyses of {first.model}: {first.formula or 'a function'}, m={len(self)}, {len(self.terms)} terms>"

    def _repr_html_(self) -> str:
        from replicant.view.fragment import fragment, notes, rows

        found = [
            dict(zip(one.terms, zip(one.estimates, one.std_errors, strict=True), strict=True)) for one in self.fits
        ]
        body = [(term, *(_with_error(*one.get(term, (np.nan, np.nan))) for one in found)) for term in self.terms]
        head = ("term", *(f"set {i}" for i in range(1, len(self) + 1)))
        first = self.fits[0]
        facts = f"{first.formula or 'a function'}; estimates (standard errors); pool() makes one table of them"
        table = rows(head, body, right=range(1, len(head)))
        return fragment(f"{first.model} on {len(self)} sets", facts, table, notes(messages_of(self.fits)))


def _terms(fits: Sequence[Fit]) -> tuple[str, ...]:
    """Terms of all fits, in the order of their first mention."""
    return tuple(dict.fromkeys(term for one in fits for term in one.terms))


def _with_error(estimate: float, error: float) -> str:
    """An estimate and its error, to the digits that the error makes meaningful; empty where there is none."""
    if not np.isfinite(estimate + error):
        return ""
    value, spread = measured(float(estimate), float(error))
    return f"{value} ({spread})" if spread else value
