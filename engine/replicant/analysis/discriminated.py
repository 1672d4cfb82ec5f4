"""Real against synthetic rows, set by set, pooled over the sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from replicant.analysis.data import Data, columns_known, refuse_identifiers, typed, words_of
from replicant.analysis.pooling import pooled_fits
from replicant.estimate import Discrimination
from replicant.estimate import discriminate as discriminated
from replicant.pool import Pooled

__all__ = ["Discriminated", "discriminate"]


class Discriminated(Discrimination):
    """Real against synthetic rows, set by set, with the coefficients pooled over the sets."""

    def pool(self, *, level: float = 0.95, dfcom: float | str | None = "fit") -> Pooled:
        """The coefficients pooled over m by Rubin's rule with Barnard and Rubin's degrees of freedom.

        This is Table 6 of Volker and Vink (2021). Reiter's rule, which pools what is said of a population, is not used:
        there the synthetic rows stand in for the real ones, and b/m is all that m sets leave of the noise of the
        draws. Here the real rows stand in the model themselves, and a coefficient says how one synthetic set differs
        from them. Its variation between sets is part of the answer, so b counts in full: T = ubar +
        (1 + 1/m) b. It is conservative: ubar holds the error of the real rows, which all sets share and a right
        model of synthesis reproduces, so a small p is a difference, and a large one no proof of there being none.

        Parameters
        ----------
        level
            Confidence level of the intervals.
        dfcom
            Degrees of freedom of one fit; `fit`: the least that the fits have; None: a large sample.

        Returns
        -------
        Pooled
            A line for each term.

        Raises
        ------
        SpecError
            If there is one set.
        """
        why = "real against synthetic rows: a coefficient differs from set to set, and b counts in full"
        return pooled_fits(self.fits, "rubin1987", level, dfcom, why=why, strict=False)


def discriminate(
    real: Data,
    sets: Sequence[Data],
    manifest: Mapping[str, Any],
    formula: str | None = None,
    **options: Any,
) -> Discriminated:
    """Discriminate the real rows from those of each set by a logistic model; `.pool()` then pools its coefficients.

    Parameters
    ----------
    real
        The observed table.
    sets, manifest
        As in `analyse`.
    formula, options
        As in `replicant.estimate.discriminate`.
    """
    weights = options.get("weights")
    if formula is not None:
        refuse_identifiers(manifest, words_of(formula))
    known = {*columns_known(manifest), *([weights] if isinstance(weights, str) else [])}
    used = known or None
    both = [typed(one, manifest, used, only=True) for one in (real, *sets)]
    found = discriminated(both[0], both[1:], formula, **options)
    return Discriminated(**{item.name: getattr(found, item.name) for item in fields(found)})
