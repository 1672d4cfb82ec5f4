"""Which rule holds for a release: read from how it was made, which the public manifest says.

A rule of pooling is a statement about the draws. Wrong ones give intervals that look like any other and cover 70 % or
99.9 % (`engine/docs/coverage.md` has the figures), so a rule that contradicts the manifest is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from replicant.errors import SpecError, nearest
from replicant.pool.rules import RULES, check_rule

__all__ = ["Choice", "choose", "invalid", "valid"]


@dataclass(frozen=True, slots=True)
class Choice:
    """The rule for a release.

    Attributes
    ----------
    rule
        Its name.
    why
        One sentence.
    warnings
        What makes the intervals less than exact.
    options
        Keywords for `pool` that go with it: n and k, complete.
    """

    rule: str
    why: str
    warnings: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Made:
    """How the sets were made, as far as the analysed columns go."""

    m: int
    r: int
    n: float | None
    k: float | None
    complete: bool  # every analysed column synthesized in every row
    touched: bool  # some cell of an analysed column synthesized
    imputed: bool
    proper: bool
    fresh: bool  # rows are new units, not shadows of real rows
    parametric: bool  # every synthesized column by a method that says it is
    shared: bool
    errors: str  # what the fits' standard errors are

    @property
    def same_size(self) -> bool:
        return self.n is None or self.k is None or self.n == self.k

    @property
    def plain(self) -> bool:
        """Whether the noise of the draws approximates the variance of the estimates, so that ubar can estimate it."""
        return self.complete and self.fresh and not self.proper and self.same_size and self.errors == "model"

    @property
    def grouped(self) -> bool:
        """Whether errors are those of a sample's design or of clusters."""
        return self.errors in {"weights", "survey", "cluster"}


def choose(manifest: Mapping[str, Any], *, columns: Collection[str] | None = None, errors: str = "model") -> Choice:
    """The rule for an analysis of these columns of a release.

    Parameters
    ----------
    manifest
        The public manifest: `m` (all sets), `n`, `k`, `columns` (`name`, `synthesized`, `parametric`: left out, it is
        not) and `config` (`conditioning`, `fits`, `proper`, `missing`); nested releases say `r`.
    columns
        Those that the analysis uses; None: all.
    errors
        What the standard errors of the fits are, as `Fit.errors`: rules that take the variance of the draws for that of
        the estimates hold for a model's own only.

    Returns
    -------
    Choice
        Rule, reason, warnings, and keywords for `pool`.

    Raises
    ------
    SpecError
        If a column is unknown, or no rule holds: one set of a partly synthesized release.
    """
    made = _read(manifest, columns, errors)
    rule, why = _rule_of(made)
    reason = _INVALID[rule](made) if rule else None
    if not rule or reason:
        raise SpecError(
            f"No rule holds for this release: {reason or why}.",
            need="two sets or more (m), best five or more",
            fix="ask the data owner for more sets; a single set carries no information on the error of its synthesis",
        )
    options: dict[str, Any] = {}
    if rule.startswith(("raab2016", "raghunathan")) and not made.same_size:
        options = {"n": made.n, "k": made.k}
    if rule == "one_step":
        options = {"complete": made.plain}
    return Choice(rule, why, tuple(_warnings(made, rule)), options)


def invalid(
    rule: str, manifest: Mapping[str, Any], *, columns: Collection[str] | None = None, errors: str = "model"
) -> str | None:
    """Why a rule does not hold for an analysis of these columns; None if it does.

    `census` depends on the population, which no manifest knows: only the sets are looked at.

    Parameters
    ----------
    rule
        Its name.
    manifest, columns, errors
        As for `choose`.

    Returns
    -------
    str or None
        The reason in words.

    Raises
    ------
    SpecError
        If the rule or a column is unknown.
    """
    check_rule(rule)
    return _INVALID[rule](_read(manifest, columns, errors))


def valid(
    manifest: Mapping[str, Any], *, columns: Collection[str] | None = None, errors: str = "model"
) -> tuple[str, ...]:
    """Names of the rules that hold for an analysis of these columns.

    Parameters
    ----------
    manifest, columns, errors
        As for `choose`.

    Returns
    -------
    tuple of str
        In the order of `RULES`; none if no rule holds.
    """
    made = _read(manifest, columns, errors)
    return tuple(rule for rule in RULES if _INVALID[rule](made) is None)


def _read(manifest: Mapping[str, Any], columns: Collection[str] | None, errors: str) -> _Made:
    entries = {str(entry["name"]): entry for entry in manifest.get("columns", ())}
    used = list(entries) if columns is None else list(columns)
    for name in used:
        if name not in entries:
            raise SpecError(f"The release has no column {name!r}{nearest(str(name), entries)}.")
    config = manifest.get("config", {})
    state = [str(entries[name].get("synthesized", "all")) for name in used]
    # A cell is drawn given others, and a method's error comes along with them: all synthesized columns count.
    drawn = [entry for entry in entries.values() if entry.get("synthesized", "all") != "none"]
    return _Made(
        m=int(manifest.get("m", 1)) // int(manifest.get("r") or 1),
        r=int(manifest.get("r") or 1),
        n=manifest.get("n"),
        k=manifest.get("k"),
        complete=bool(used) and all(s == "all" for s in state),
        touched=any(s != "none" for s in state),
        imputed=str(config.get("missing", "keep")) != "keep",
        proper=bool(config.get("proper", False)),
        fresh=config.get("conditioning", "synthetic") == "synthetic",
        parametric=all(entry.get("parametric") is True for entry in drawn),
        shared=config.get("fits", "own") == "shared",
        errors=errors,
    )


def _rule_of(made: _Made) -> tuple[str, str]:
    """The name of the rule (empty: none) and why."""
    if made.imputed:
        if not made.touched:
            return "rubin1987", "missing cells were imputed and the analysed columns are not synthesized"
        if made.r > 1:
            return "reiter2004", f"missing cells were imputed, and each imputation was synthesized {made.r} times"
        return "one_step", "each set was imputed and synthesized in one chain, so b holds the noise of both"
    if made.m > 1 and made.parametric and not _raab(made):
        if made.proper:
            return "raab2016_proper", "complete synthesis by parametric models with parameters drawn for each set"
        return "raab2016_simple", "complete synthesis by parametric models with fitted parameters"
    if made.m > 1 and made.same_size:
        what = "all analysed columns are" if made.complete else "some analysed cells are"
        return "reiter2003", f"{what} synthesized, from complete data" if made.touched else "nothing analysed is drawn"
    if made.m > 1:
        return "raab2016_partial", "synthesis from complete data, with another number of rows than the real data"
    if not _raab(made, one=True):
        return ("raab2016_proper" if made.proper else "raab2016_simple"), "one set, complete synthesis"
    return "", "one set, and not all analysed columns are synthesized as new rows"


def _warnings(made: _Made, rule: str) -> list[str]:
    said = []
    if rule.startswith("raab2016") and rule != "raab2016_partial" and not made.parametric:
        said.append(
            "the error of trees, and of other methods that are not parametric, is not in this variance: the intervals "
            "are too short; make more sets (m)"
        )
    if made.grouped and rule.startswith(("raab2016_simple", "raab2016_proper")):
        said.append(
            "this variance takes the noise of the draws for that of a sample of this design: with two sets or more it "
            "would be measured"
        )
    if made.errors in {"survey", "cluster"} and made.touched:
        said.append(
            "standard errors know of strata and clusters as far as the synthetic rows are alike within them: where the "
            "synthesis did not draw given these columns, the intervals are too short"
        )
    if made.shared and made.touched:
        said.append(
            "the fits are shared by all sets, so the models' own error never reaches b: the intervals are too short "
            "with trees (92.5 % for 95 % on the boys data)"
        )
    if not made.fresh and made.complete and not made.parametric and not made.imputed:
        said.append("cells are drawn given the real row by one fit for all sets: coverage falls a little short of 95 %")
    if rule == "one_step" and not made.plain:
        said.append("an upper bound of the variance is used; with `v_mis` from the maker the intervals are exact")
    elif rule == "one_step" and not made.parametric:
        said.append(
            "b - ubar counts the error of trees, or of another method that is not parametric, as missing information: "
            "the intervals are a little too long"
        )
    if made.m < 5 and rule not in {"raab2016_simple", "raab2016_proper"}:
        said.append(f"b is known from {made.m} sets only")
    return said


def _several(made: _Made) -> str | None:
    return "it needs the variance between sets, and there is one set" if made.m < 2 else None


def _unimputed(made: _Made) -> str | None:
    if made.imputed and made.touched:
        return "missing cells were imputed in the same step, and it leaves their uncertainty out: too short"
    return "missing cells were imputed, and it leaves their uncertainty out: too short" if made.imputed else None


def _raab(made: _Made, *, one: bool = False, proper: bool | None = None) -> str | None:
    """Why a rule for complete synthesis is not valid; `one`: for one set, where trees are accepted with a warning."""
    if unimputed := _unimputed(made):
        return unimputed
    if not made.complete:
        return "it holds only where every analysed column is synthesized in every row"
    if not made.fresh:
        return "it holds for new rows, and here each row was drawn given a real one (conditioning: observed)"
    if proper is not None and proper != made.proper:
        if made.proper:
            return "parameters were drawn for each set (proper), and it leaves their variance out: too short"
        return "it supposes parameters drawn for each set (proper), and they were not: too long"
    if made.errors != "model" and made.m > 1 and not one:
        return "it takes the noise of the draws for the standard errors, and these are not the model's own"
    if not made.parametric and made.m > 1 and not one:
        return "it knows nothing of the error of trees, or of another method that is not parametric: too short"
    return None


def _rubin(made: _Made) -> str | None:
    if made.touched:
        return "it takes the draws of the synthesis for missing information: too long"
    return _several(made)


def _reiter2003(made: _Made) -> str | None:
    if not made.same_size:
        return "the synthetic sets have another number of rows than the real data"
    return _unimputed(made) or _several(made)


def _raghunathan(made: _Made) -> str | None:
    if unimputed := _unimputed(made):
        return unimputed
    if not made.complete:
        return "it holds only where every analysed column is synthesized in every row"
    if not made.fresh:
        return "it holds for new rows, and here each row was drawn given a real one (conditioning: observed)"
    if not made.proper:
        return "it supposes parameters drawn for each set (proper); with fitted ones its variance is about 0"
    return _several(made)


def _reiter2004(made: _Made) -> str | None:
    if not made.imputed:
        return "nothing was imputed"
    if made.r < 2:
        return "it needs two or more syntheses of each imputation, and there is one"
    return _several(made)


def _one_step(made: _Made) -> str | None:
    if not made.imputed:
        return "nothing was imputed: too long"
    if not made.touched:
        return "the analysed columns are not synthesized: too long"
    if made.r > 1:
        return "the sets are nested, and it takes them for independent"
    return _several(made)


_INVALID: dict[str, Callable[[_Made], str | None]] = {
    "rubin1987": lambda made: _rubin(made) or (None if made.imputed or not made.touched else "nothing was imputed"),
    "reiter2003": _reiter2003,
    "raghunathan2003": _raghunathan,
    "reiter2004": _reiter2004,
    "raab2016_simple": lambda made: _raab(made, proper=False),
    "raab2016_proper": lambda made: _raab(made, proper=True),
    "raab2016_partial": lambda made: _unimputed(made) or _several(made),
    "census": _several,
    "one_step": _one_step,
}
