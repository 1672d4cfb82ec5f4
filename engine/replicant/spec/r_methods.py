"""The methods of mice and synthpop, and the arguments that they take: what each becomes here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "ARGUMENTS",
    "BLOCKS",
    "BY_DEFAULT",
    "FOREST",
    "IDLE_ARGUMENTS",
    "IN_CLUSTERS",
    "KNOWN",
    "NESTED",
    "ORDERED",
    "TIMES",
    "TREES",
    "WITHOUT_PREDICTORS",
    "WITH_PARAMETERS",
    "Counterpart",
    "Package",
]

Package = str  # "mice" or "synthpop"


@dataclass(frozen=True)
class Counterpart:
    """What a method becomes.

    Attributes
    ----------
    method
        Its name here, or None where nothing here does what it does.
    note
        How the two differ, as the end of a sentence that begins with the name here; empty where they do not.
    fix
        Where there is none: what to write instead.
    options
        Of the method here, that make the two the same.
    """

    method: str | None
    note: str = ""
    fix: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


def _same(*names: str) -> dict[str, Counterpart]:
    return {name: Counterpart(name) for name in names}


_ALL_PREDICTORS = "which uses all predictors, where the method selects or shrinks some of them"
_OFFSETS = "a sensitivity analysis, with offsets that stand in other settings"

_BOTH = _same("cart", "sample", "pmm", "norm", "logreg", "polyreg", "polr", "rf")

KNOWN: dict[Package, dict[str, Counterpart]] = {
    "mice": {
        **_BOTH,
        **_same("midastouch", "norm.nob", "norm.boot", "quadratic", "mean", "lda"),
        **_same("2l.pmm", "2lonly.mean", "2lonly.norm"),
        **dict.fromkeys(("lasso.norm", "lasso.select.norm"), Counterpart("norm", _ALL_PREDICTORS)),
        **dict.fromkeys(("lasso.logreg", "lasso.select.logreg"), Counterpart("logreg", _ALL_PREDICTORS)),
        "logreg.boot": Counterpart(
            "logreg", "which draws its parameters by a normal approximation, where the method takes a bootstrap sample"
        ),
        "norm.predict": Counterpart(
            "norm.nob",
            "which adds a residual, where the method gives every row its prediction and so takes away the spread",
        ),
        "ri": Counterpart(
            "norm",
            "which takes cells to be missing at random; `delta`, such as {NAME: '-0.2 sd'}, shows what changes if they "
            "are not",
        ),
        "2l.norm": Counterpart("2l.norm", options={"variances": "by_cluster"}),
        "2l.pan": Counterpart("2l.norm"),
        "2l.lmer": Counterpart("2l.norm", "which draws by Gibbs sampling, where the method uses lme4's estimates"),
        "2l.bin": Counterpart("2l.bin", "which is a probit model, where the method is a logistic one"),
        "2lonly.pmm": Counterpart(
            "2lonly.norm", "which draws new values, where the method gives those of other clusters"
        ),
        "jomoImpute": Counterpart("jomo"),
        "panImpute": Counterpart("jomo", "which also models levels, by latent variables, and has no random effects"),
        "mnar.norm": Counterpart(
            None, _OFFSETS, 'write "norm" in R\'s settings, and in the job delta: {NAME: "-0.2 sd"}'
        ),
        "mnar.logreg": Counterpart(
            None, _OFFSETS, 'write "logreg" in R\'s settings; delta shifts numbers only, so no level has an offset here'
        ),
    },
    "synthpop": {
        **_BOTH,
        **_same("ctree", "normrank", "lognorm", "sqrtnorm", "cubertnorm", "catall", "ipf", "nested", "satcat"),
        **dict.fromkeys(("bag", "ranger"), Counterpart("rf", "which grows its trees by rpart's rules")),
        "cartbboot": Counterpart(
            "cart", "whose leaves are sampled as they are; `proper: true` takes a bootstrap sample before each fit"
        ),
        "survctree": Counterpart("survival"),
    },
}
"""By package: method -> what it becomes."""

TREES, FOREST, NESTED, TIMES, ORDERED = "cart", "rf", "nested", "survival", "polr"
"""Those of ours that need more than their name: settings of trees, a broader column, an event, an order."""

BLOCKS = frozenset({"catall", "ipf", "jomo", TIMES})
"""Our methods that model several columns together."""

WITHOUT_PREDICTORS = frozenset({"sample", "mean", "catall", "ipf", NESTED})
"""Our methods that look at no other column, or at one that an option names."""

WITH_PARAMETERS = frozenset(
    {"norm", "norm.boot", "logreg", "polyreg", ORDERED, "pmm", "lda", "midastouch", "quadratic"}
)
"""Our methods whose parameters are drawn in imputation, and in a synthesis that is proper."""

IN_CLUSTERS = frozenset({"2l.norm", "2l.pmm", "2l.bin", "2lonly.mean", "2lonly.norm"})
"""Our methods of rows in clusters."""

BY_DEFAULT = ("pmm", "logreg", "polyreg", "polr")
"""mice's `defaultMethod`: for numbers, two levels, more levels, levels in order. The defaults of imputation here."""

ARGUMENTS: dict[Package, dict[str, dict[str, str]]] = {
    "mice": {
        "donors": dict.fromkeys(("pmm", "quadratic", "2l.pmm"), "donors"),
        "midas.kappa": {"midastouch": "kappa"},
        "ntree": {"rf": "trees"},
        "minbucket": {"cart": "minbucket"},
        "cp": {"cart": "cp"},
    },
    "synthpop": {
        "pmm.donors": {"pmm": "donors"},
        "rf.ntree": {"rf": "trees"},
        "ranger.num.trees": {"rf": "trees"},
        "bag.ntree": {"rf": "trees"},
        "ctree.minbucket": {"ctree": "minbucket"},
        "survctree.minbucket": {"survival": "minbucket"},
        "catall.priorn": {"catall": "prior"},
        "ipf.priorn": {"ipf": "prior"},
    },
}
"""By package: argument of methods -> our method -> its option."""

IDLE_ARGUMENTS: dict[Package, tuple[str, ...]] = {
    "mice": (
        *("matchtype", "ridge", "eps", "ls.meth", "maxcor", "threshold", "remove.collinear", "remove.constant"),
        *("allow.na", "rfPackage", "nnet.maxit", "nnet.trace", "nnet.MaxNWts", "polr.to.loggedEvents", "use.matcher"),
        *("exclude", "quantify", "trim", "n.iter", "data.init", "nodesize", "mtry"),
    ),
    "synthpop": (),
}
"""By package: arguments of methods that nothing here does; of synthpop, any that begin with the name of a method."""
