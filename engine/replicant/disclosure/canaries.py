"""What came back of planted canaries, beside their twins, which no model saw."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from scipy import stats

from replicant.evaluation.figure import Figure, against_rate, plain

__all__ = ["canary_figures"]


def canary_figures(counts: Mapping[str, float], m: int) -> list[Figure]:
    """Figures of a synthesis that canaries were planted for (`canaries`, see `replicant.fcs.canaries`).

    Parameters
    ----------
    counts
        Over all sets and partitions, as the internal manifest has them.
    m
        Number of sets: the same canaries are looked for in each.

    Returns
    -------
    list of Figure
        `canaries_found`, the share of canaries that some row of a set equals in all columns (such rows are taken out of
        the sets), beside that of their twins; and `canaries_nearer`, how often a row is nearer to a canary than to a
        twin (0.5 where nothing was memorised). A rise means that single records are memorised (Carlini et al. 2019).
        That canaries are near more often by chance is as likely as by the test of Mann and Whitney (1947), for one set.
    """
    trials = counts["planted"] / m
    found = against_rate(
        "canaries_found", counts["found"] / m, trials, counts["twins_found"] / m, trials, kind="control"
    )
    share = counts["nearer"] / counts["pairs"]
    error = math.sqrt(counts["variance"] / m) / (counts["pairs"] / m)
    shown = plain("canaries_nearer", [share], baseline=0.5, kind="control")
    reach = float(stats.norm.ppf(0.975)) * error
    return [
        found,
        replace(
            shown,
            baseline_low=0.5 - reach,
            baseline_high=0.5 + reach,
            p_value=float(stats.norm.sf((share - 0.5) / error)),
            worse="higher",
        ),
    ]
