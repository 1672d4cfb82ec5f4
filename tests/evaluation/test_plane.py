"""Several releases on one plane."""

from __future__ import annotations

import pytest

import replicant as rp
from replicant.errors import SpecError
from replicant.evaluation import Evaluation, Figure


def pair(score: float, copied: float) -> tuple[Evaluation, Evaluation]:
    one = Figure("k_marginal", value=score, baseline=960.0, worse="lower")
    other = Figure("copied_unique_rows", value=copied, baseline=0.01, worse="higher")
    return Evaluation("utility", (one,)), Evaluation("disclosure", (other,))


def test_releases_a_second_sample_and_other_tools_lie_on_one_plane() -> None:
    found = {"default": pair(950, 0.012), "careful": pair(930, 0.004), "poor": pair(900, 0.02)}
    plot = rp.plane(found, utility="k_marginal", others={"another tool": (905.0, 0.03)})
    [picture] = plot.pictures
    assert "default: k-marginal score 950" in picture.description
    assert "second real sample: k-marginal score 960" in picture.description
    assert "another tool" in picture.body
    assert picture.body.count('class="thin"') == 1
    assert "Triangles" in plot.note
    assert "Triangles" not in rp.plane({"default": pair(950, 0.012)}, utility="k_marginal").note


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(SpecError, match="no release"):
        rp.plane({})
    with pytest.raises(SpecError, match="'a' are of disclosure and utility"):
        rp.plane({"a": pair(950, 0.012)[::-1]})
    with pytest.raises(SpecError, match="k_marginal"):
        rp.plane({"a": pair(950, 0.012)}, utility="k_marginals")
