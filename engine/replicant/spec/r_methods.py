"""The methods of mice and synthpop: what each becomes here."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["KNOWN", "SAMPLE", "Counterpart", "Package"]

Package = str  # "mice" or "synthpop"


@dataclass(frozen=True)
class Counterpart:
    """What a method becomes.

    Attributes
    ----------
    method
        `cart`, `sample`, or None where nothing here does what it does.
    note
        How the two differ, as the end of a sentence that begins with the column; empty where they do not.
    """

    method: str | None
    note: str = ""


_SAME = Counterpart("cart")
SAMPLE = Counterpart("sample")
_MATCHED = Counterpart("cart", "which, like matching, gives values of donors: those of a leaf, not of near predictions")
_MODEL = Counterpart(
    "cart", "which draws observed values of donors, where the model draws new ones from a distribution"
)
_CLASSES = Counterpart(
    "cart", "which draws a level by the shares in a leaf, where the model's odds are linear in the predictors"
)
_FIXED = Counterpart(
    "cart", "which draws, where the method gives every row its prediction and so takes away the spread"
)
_FOREST = Counterpart("cart", "one tree for each imputation, where the method has a forest or many bootstrapped trees")
_GROUPS = Counterpart(None, "a model of rows in groups: rows are taken as independent here")
_JOINT = Counterpart(None, "a model of several columns at once: every column has its own here")
_OFFSET = Counterpart(None, "a sensitivity analysis, with offsets that the data do not hold")
_SURVIVAL = Counterpart(None, "a model of censored times: a time and its event are two columns here")
_NESTED = Counterpart(None, "a level drawn within a level of another column")

_BOTH = {"cart": _SAME, "sample": SAMPLE, "pmm": _MATCHED, "norm": _MODEL, "logreg": _CLASSES, "polyreg": _CLASSES}
_BOTH |= {"polr": _CLASSES, "rf": _FOREST}

KNOWN: dict[Package, dict[str, Counterpart]] = {
    "mice": {
        **_BOTH,
        "midastouch": _MATCHED,
        **dict.fromkeys(("norm.nob", "norm.boot", "lasso.norm", "lasso.select.norm", "quadratic", "ri"), _MODEL),
        **dict.fromkeys(("logreg.boot", "lasso.logreg", "lasso.select.logreg", "lda"), _CLASSES),
        **dict.fromkeys(("mean", "norm.predict"), _FIXED),
        **dict.fromkeys(
            ("2l.bin", "2l.lmer", "2l.norm", "2l.pan", "2lonly.mean", "2lonly.norm", "2lonly.pmm"), _GROUPS
        ),
        **dict.fromkeys(("panImpute", "jomoImpute"), _JOINT),
        **dict.fromkeys(("mnar.logreg", "mnar.norm"), _OFFSET),
    },
    "synthpop": {
        **_BOTH,
        "ctree": Counterpart("cart", "which grows rpart's trees; those of ctree stop by a test"),
        **dict.fromkeys(("normrank", "lognorm", "sqrtnorm", "cubertnorm"), _MODEL),
        **dict.fromkeys(("bag", "ranger", "cartbboot"), _FOREST),
        **dict.fromkeys(("catall", "ipf"), _JOINT),
        "survctree": _SURVIVAL,
        **dict.fromkeys(("nested", "satcat"), _NESTED),
    },
}
"""By package: method -> what it becomes."""
