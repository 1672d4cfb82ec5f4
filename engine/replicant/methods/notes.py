"""What methods do by themselves while they fit, as words that become events."""

from __future__ import annotations

__all__ = ["NOTES"]

NOTES: dict[str, str] = {
    "augmented": "levels are separated by the predictors: rows of small weight were added, as White et al. (2010) do",
    "collinear": "predictors that follow from others were left out of the fit",
    "constant": "constant predictors were left out of the fit",
    "contradicting_margins": "no table has all the margins given: the fit lies between them",
    "few_donors": "there are fewer rows to draw from than donors asked for: all of them are donors",
    "limited": "numbers came up that the type of the column cannot hold: they are the nearest that it can",
    "not_ordered": "proportional odds did not converge: a multinomial model replaced it",
    "not_converged": "the fit did not converge: its last parameters are used",
    "one_cluster": "rows of one cluster only are observed: the model has no random effects",
    "one_class": "one level only is observed: it is drawn everywhere",
    "ridge": "a ridge was added, because the predictors are collinear or more than the rows",
    "shifted": "a constant was added to all numbers, for a logarithm or root to exist, and taken off after the draw",
    "shrunk": "levels and predictors make many coefficients: a normal prior of them was used, as is said of the method",
    "unprotected": "all rows together do not hold what a leaf must hold to protect its donors: they are one leaf",
    "unseen_cluster": "clusters without an observed row: their value is that of another cluster, drawn at random",
    "unseen_code": "rows with a broader code that no row fitted on has: their donors are from the whole column",
    "unseen_combination": "levels that no row fitted on has together: the weakest predictors are left out there",
    "unseen_level": "rows with a level that the rows fitted on do not have are drawn as if they had the first one",
}
"""Word to sentence. A method of one's own may note its own words, which are shown as they are."""
