"""The figures of a study's page: the paper's two, and a few that it lacks."""

from __future__ import annotations

from replicant.report import study_distributions, study_maps, study_terms
from replicant.report.study_view import Study

__all__ = ["figures"]


def figures(study: Study) -> list[tuple[str, str]]:
    """All figures that the results have numbers for.

    Parameters
    ----------
    study
        The results.

    Returns
    -------
    list[tuple[str, str]]
        Heading and `<figure>` of each.
    """
    drawn = [
        ("Sampling distributions of the means", study_distributions.means(study)),
        ("Sampling distributions of the category counts", study_distributions.counts(study)),
        ("Coverage by term", study_terms.coverage(study)),
        ("Bias by term", study_terms.bias(study)),
        ("Real against synthetic densities", study_distributions.densities(study)),
        ("Correlations", study_maps.correlations(study)),
        ("Utility against identical cells", study_maps.plane(study)),
    ]
    return [(heading, figure) for heading, figure in drawn if figure]
