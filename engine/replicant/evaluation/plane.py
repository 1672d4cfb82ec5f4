"""`rp.plane`: several releases by what they are worth and what they give away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from replicant.errors import SpecError
from replicant.report.measures import MEASURES, title
from replicant.report.plane import Axis, Point
from replicant.report.plane import plane as draw
from replicant.view.plot import Plot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from replicant.evaluation.figure import Figure
    from replicant.evaluation.result import Evaluation

__all__ = ["plane"]


def plane(
    releases: Mapping[str, tuple[Evaluation, Evaluation]],
    *,
    utility: str = "s_pmse_logit",
    disclosure: str = "copied_unique_rows",
    others: Mapping[str, tuple[float, float]] | None = None,
) -> Plot:
    """Draw releases on the plane of utility and disclosure: down and to the left is better.

    Parameters
    ----------
    releases
        By name, what `rp.utility` and `rp.disclosure` found of a release.
    utility, disclosure
        The measures, such as `k_marginal` and `membership_auc`.
    others
        Points of other tools, by name: their utility and their disclosure by the same measures.

    Returns
    -------
    Plot
        With a circle where a second real sample lies, by the baselines, and a line that joins the releases that no
        other one dominates.

    Raises
    ------
    SpecError
        There is no release, or a measure is not among the figures.

    Examples
    --------
    >>> import replicant as rp
    >>> from statsmodels.datasets import anes96
    >>> people = anes96.load_pandas().data[["age", "educ", "vote"]]
    >>> syn = rp.synthesize(people, m=1, seed=1)
    >>> found = rp.utility(people, syn, effort="quick"), rp.disclosure(people, syn, effort="quick")
    >>> drawn = rp.plane({"default": found}, utility="k_marginal", others={"another tool": (905.0, 0.02)})
    """
    if not releases:
        raise SpecError("there is no release to draw", need="a mapping of names to pairs of evaluations")
    found = {}
    for name, pair in releases.items():
        about = [one.about for one in pair]
        if about != ["utility", "disclosure"]:
            raise SpecError(
                f"the evaluations of {name!r} are of {' and '.join(about)}", need="of utility and of disclosure"
            )
        found[name] = pair[0][utility], pair[1][disclosure]
    worth, given_away = ([pair[i] for pair in found.values()] for i in (0, 1))
    points = [Point(name, one.value, other.value) for name, (one, other) in found.items()]
    points += [Point(name, *at, "other") for name, at in (others or {}).items()]
    real = _baseline(worth), _baseline(given_away)
    if real[0] is not None and real[1] is not None:
        points.append(Point("second real sample", real[0], real[1], "landmark"))
    picture = draw(
        points,
        utility=_axis(utility, worth[0]),
        disclosure=_axis(disclosure, given_away[0]),
        title="Utility and disclosure",
        frontier=True,
    )
    note = (
        "Down and to the left is better. Squares: the releases; the line joins those that no other one dominates. "
        "Circle: where a second real sample lies."
    )
    return Plot("Utility and disclosure", f"{note} Triangles: other tools." if others else note, [picture])


def _axis(measure: str, figure: Figure) -> Axis:
    share = measure in MEASURES and MEASURES[measure].form == "share"
    return Axis(title(measure), is_share=share, worse="lower" if figure.worse == "lower" else "higher")


def _baseline(figures: Sequence[Figure]) -> float | None:
    known = [one.baseline for one in figures if one.baseline is not None]
    return sum(known) / len(known) if known else None
