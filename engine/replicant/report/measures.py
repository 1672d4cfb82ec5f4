"""The measures of utility and disclosure: what each is called, how it is written, and what a rise means.

Who proposed a measure, and how it is computed, stands in the docstring of its function and in the pages on utility and
on disclosure. One long table: an entry for each measure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["MEASURES", "SECTIONS", "Form", "Measure", "title"]

Form: TypeAlias = Literal["number", "share", "percent", "count"]

_ALL, _TABLES, _COLUMNS, _PAIRS = (
    "All columns together",
    "Tables of one, two and three columns",
    "Columns",
    "Pairs of columns",
)
_RULES, _ANALYSES, _COPIES, _IDENTITIES, _ATTRIBUTES, _ATTACKS = (
    "Rules between columns",
    "Analyses and predictions",
    "Copies",
    "Identities",
    "Attributes",
    "Attacks",
)
SECTIONS = (
    *(_ALL, _TABLES, _COLUMNS, _PAIRS, _RULES, _ANALYSES),
    *(_COPIES, _IDENTITIES, _ATTRIBUTES, _ATTACKS, "Other figures"),
)


@dataclass(frozen=True)
class Measure:
    """One measure, as a reader sees it.

    Attributes
    ----------
    title
        Its name in words.
    section
        Where it stands on a page.
    form
        How its figures are written.
    meaning
        In a sentence: what it is, and what a rise means.
    least
        Below which it cannot fall.
    """

    title: str
    section: str
    form: Form = "number"
    meaning: str = ""
    least: float | None = 0.0


MEASURES: dict[str, Measure] = {
    "s_pmse_logit": Measure(
        "scaled pMSE, logistic",
        _ALL,
        "number",
        "How well a logistic model tells real from synthetic rows, as a multiple of what it would by chance. "
        "1 is perfect on average; below 3 is good, above 10 poor.",
    ),
    "s_pmse_pairs": Measure(
        "scaled pMSE, logistic with pairs",
        _ALL,
        "number",
        "The same of a model with products of columns, which sees associations that are wrong.",
    ),
    "pmse_logit": Measure(
        "pMSE, logistic",
        _ALL,
        "number",
        "Mean squared distance of the propensity from its share: 0 if nothing tells the rows apart. It rises "
        "with the difference and falls with the number of rows.",
    ),
    "specks_logit": Measure(
        "SPECKS, logistic",
        _ALL,
        "number",
        "Largest distance between the propensity's distributions in real and in synthetic rows: 0 to 1.",
    ),
    "po50_logit": Measure(
        "PO50, logistic",
        _ALL,
        "number",
        "Percentage points of rows beyond one half that the model classifies correctly: 0 to 50.",
    ),
    "auc_logit": Measure(
        "AUC, logistic",
        _ALL,
        "number",
        "Chance that a synthetic row looks more synthetic than a real one to the model: 0.5 if nothing tells "
        "them apart, 1 if all does.",
    ),
    "pmse_cart": Measure(
        "pMSE, tree",
        _ALL,
        "number",
        "The same by a classification tree, which also finds interactions and unusual values, of as many rows as "
        "its baseline.",
    ),
    "specks_cart": Measure(
        "SPECKS, tree",
        _ALL,
        "number",
        "Largest distance between the tree's propensities in real and in synthetic rows.",
    ),
    "auc_boosting": Measure(
        "AUC, boosted trees",
        _ALL,
        "number",
        "Chance that boosted trees, tried on rows they did not learn from, take a synthetic row for more synthetic "
        "than a real one: 0.5 if nothing tells them apart, 1 if all does.",
    ),
    "pearson_divergence": Measure(
        "Pearson divergence",
        _ALL,
        "number",
        "Half the mean squared distance from 1 of the ratio of real to synthetic density: about 0 if they are equal.",
        None,
    ),
    "k_marginal": Measure(
        "k-marginal score",
        _ALL,
        "number",
        "NIST's score of all pairs of columns, numbers in groups: 1000 if every table of two columns is "
        "equal. A fall means that pairs of columns differ.",
    ),
    "subsample_share": Measure(
        "as close as a subsample of",
        _ALL,
        "share",
        "The share of real rows that, drawn at random, would come as close in all pairs of columns. A fall "
        "means a worse synthesis.",
    ),
    "association_mean": Measure(
        "difference of associations, mean",
        _ALL,
        "number",
        "Mean over all pairs of the difference of correlations, correlation ratios and Cramér's V.",
    ),
    "s_pmse_oneway": Measure(
        "scaled pMSE, one column",
        _TABLES,
        "number",
        "Of the table of one column, as a multiple of what chance gives: 1 is perfect on average, below 3 "
        "good, above 10 poor.",
    ),
    "s_pmse_twoway": Measure(
        "scaled pMSE, two columns",
        _TABLES,
        "number",
        "Of the table of two columns, as a multiple of what chance gives: 1 is perfect on average, below 3 "
        "good, above 10 poor.",
    ),
    "s_pmse_threeway": Measure(
        "scaled pMSE, three columns",
        _TABLES,
        "number",
        "Of the table of three columns, as a multiple of what chance gives: 1 is perfect on average, below 3 "
        "good, above 10 poor.",
    ),
    "s_ft_oneway_mean": Measure("scaled Freeman-Tukey, mean over one column", _TABLES),
    "s_ft_twoway_mean": Measure("scaled Freeman-Tukey, mean over two columns", _TABLES),
    "s_ft_threeway_mean": Measure("scaled Freeman-Tukey, mean over three columns", _TABLES),
    "s_jsd_oneway_mean": Measure("scaled Jensen-Shannon, mean over one column", _TABLES),
    "s_jsd_twoway_mean": Measure("scaled Jensen-Shannon, mean over two columns", _TABLES),
    "s_jsd_threeway_mean": Measure("scaled Jensen-Shannon, mean over three columns", _TABLES),
    "s_g_oneway_mean": Measure("scaled likelihood ratio G, mean over one column", _TABLES),
    "s_g_twoway_mean": Measure("scaled likelihood ratio G, mean over two columns", _TABLES),
    "s_g_threeway_mean": Measure("scaled likelihood ratio G, mean over three columns", _TABLES),
    "mabsdd_oneway_mean": Measure("mean absolute difference of shares, mean over one column", _TABLES),
    "mabsdd_twoway_mean": Measure("mean absolute difference of shares, mean over two columns", _TABLES),
    "mabsdd_threeway_mean": Measure("mean absolute difference of shares, mean over three columns", _TABLES),
    "s_wmabsdd_oneway_mean": Measure("scaled weighted absolute difference, mean over one column", _TABLES),
    "s_wmabsdd_twoway_mean": Measure("scaled weighted absolute difference, mean over two columns", _TABLES),
    "s_wmabsdd_threeway_mean": Measure("scaled weighted absolute difference, mean over three columns", _TABLES),
    "dbhatt_oneway_mean": Measure("Bhattacharyya distance, mean over one column", _TABLES),
    "dbhatt_twoway_mean": Measure("Bhattacharyya distance, mean over two columns", _TABLES),
    "dbhatt_threeway_mean": Measure("Bhattacharyya distance, mean over three columns", _TABLES),
    "specks_oneway_mean": Measure("SPECKS, mean over one column", _TABLES),
    "specks_twoway_mean": Measure("SPECKS, mean over two columns", _TABLES),
    "specks_threeway_mean": Measure("SPECKS, mean over three columns", _TABLES),
    "po50_oneway_mean": Measure("PO50, mean over one column", _TABLES),
    "po50_twoway_mean": Measure("PO50, mean over two columns", _TABLES),
    "po50_threeway_mean": Measure("PO50, mean over three columns", _TABLES),
    "ks": Measure(
        "Kolmogorov-Smirnov distance", _COLUMNS, "number", "Largest difference of the cumulative distributions: 0 to 1."
    ),
    "wasserstein": Measure(
        "Wasserstein distance",
        _COLUMNS,
        "number",
        "How far values must be moved to make the distributions equal, on average, in real standard deviations.",
    ),
    "total_variation": Measure(
        "total variation distance",
        _COLUMNS,
        "number",
        "Share of rows whose level must change to make the distributions equal: 0 to 1.",
    ),
    "tails": Measure(
        "difference in the tails",
        _COLUMNS,
        "share",
        "Largest difference in the shares of rows beyond the real 1st, 5th, 95th and 99th percentiles.",
    ),
    "extremes": Measure(
        "beyond the real range", _COLUMNS, "share", "Synthetic rows beyond the smallest and the largest real value."
    ),
    "missing_share": Measure(
        "difference in missing cells", _COLUMNS, "share", "Difference in the share of missing cells."
    ),
    "association": Measure(
        "difference of associations",
        _PAIRS,
        "number",
        "Of two numbers the difference of correlations, of a number and levels that of correlation ratios, of"
        " levels that of Cramér's V.",
    ),
    "rank_correlation": Measure(
        "difference of rank correlations", _PAIRS, "number", "Difference of Spearman's correlations."
    ),
    "prediction": Measure(
        "prediction of real rows",
        _ANALYSES,
        "number",
        "How well boosted trees that learn the target from a set predict it in real rows: R squared of numbers, area "
        "under the curve of levels. The baseline learns from real rows; a fall means that what predicts the target "
        "is lost.",
        None,
    ),
    "broken_arithmetic": Measure(
        "broken arithmetic",
        _RULES,
        "share",
        "Rows in which a column that is computed from others in nearly every real row (a sum, a ratio) is not. A rise "
        "means that rows contradict themselves; `passive` computes such columns.",
    ),
    "broken_skip": Measure(
        "broken skip pattern",
        _RULES,
        "share",
        "Rows with an answer where another column says that the question was skipped, or without one where it was "
        "asked. A rise means that rows contradict themselves.",
    ),
    "broken_order": Measure(
        "numbers or dates out of order",
        _RULES,
        "share",
        "Rows in which a number exceeds another one that it does not exceed in nearly any real row.",
    ),
    "broken_levels": Measure(
        "levels that contradict another column",
        _RULES,
        "share",
        "Rows with a level (a region, an age group) that in the real table never goes with the level or the number of "
        "another column.",
    ),
    "std_difference": Measure(
        "difference of a coefficient",
        _ANALYSES,
        "number",
        "Difference of the pooled coefficient from the real one, in real standard errors.",
    ),
    "ci_overlap": Measure(
        "overlap of intervals",
        _ANALYSES,
        "number",
        "Mean share of the real and of the pooled interval that the other covers: 1 if they are equal, below 0 if "
        "they lie apart.",
        None,
    ),
    "signs_kept": Measure(
        "signs kept",
        _ANALYSES,
        "share",
        "Of the coefficients that differ from 0 in the real rows, those of the same sign.",
    ),
    "significance_kept": Measure(
        "significance kept", _ANALYSES, "share", "Coefficients that differ from 0 in both tables, or in neither."
    ),
    "relative_error": Measure(
        "relative error of an indicator",
        _ANALYSES,
        "share",
        "Difference of a published figure from the real one, as a share of it.",
    ),
    "copied_unique_rows": Measure(
        "rows equal to a unique real row",
        _COPIES,
        "share",
        "Synthetic rows that equal a real row of which there is only one, in all columns or in the keys. A "
        "rise beyond the baseline means that records come back whole.",
    ),
    "copied_rows": Measure("rows equal to a real row", _COPIES, "share", "Synthetic rows that equal any real row."),
    "copied_records": Measure(
        "records that come back",
        _COPIES,
        "share",
        "Real records that are the only ones of their kind and that some set of this release equals in all columns.",
    ),
    "copied_records_cumulative": Measure(
        "records that come back in any release",
        _COPIES,
        "share",
        "The same of all sets of this and of earlier releases: it never falls from one release to the next.",
    ),
    "own_cells": Measure(
        "cells that are the record's own",
        _COPIES,
        "share",
        "Where row i is the real record i: cells that stayed as they were. The baseline is that of the rows "
        "in random order.",
    ),
    "own_rows": Measure("rows that are the record's own", _COPIES, "share", "The same of whole rows."),
    "replicated_uniques": Measure(
        "replicated uniques (repU)",
        _IDENTITIES,
        "share",
        "Real records that stand alone by their keys and whose keys occur once in a set. A rise means that "
        "who stands alone is seen to be there.",
    ),
    "unique_found": Measure(
        "uniques found (UiOiS)",
        _IDENTITIES,
        "share",
        "Real records that stand alone by their keys and whose keys occur in a set.",
    ),
    "match_expected": Measure(
        "expected match risk",
        _IDENTITIES,
        "share",
        "Where row i is the real record i: the mean probability that an intruder who knows the keys picks the"
        " record's own row.",
    ),
    "match_true": Measure(
        "true single matches",
        _IDENTITIES,
        "share",
        "Records whose own row is the only one that agrees with their keys.",
    ),
    "match_together": Measure(
        "match risk of all sets together", _IDENTITIES, "share", "The same of an intruder who uses all m sets."
    ),
    "match_together_cumulative": Measure(
        "match risk of all releases together",
        _IDENTITIES,
        "share",
        "The same of an intruder who has the earlier releases as well.",
    ),
    "match_false": Measure(
        "single matches that are wrong",
        _IDENTITIES,
        "share",
        "Of the records with a single match, those whose match is another's row. A rise protects.",
    ),
    "match_false_together": Measure("single matches of all sets that are wrong", _IDENTITIES, "share"),
    "class_match": Measure(
        "match probability by keys",
        _IDENTITIES,
        "share",
        "Mean over the real records of the chance that a set has their keys, by the number of people who share them.",
    ),
    "class_match_cumulative": Measure(
        "match probability by keys, any set",
        _IDENTITIES,
        "share",
        "The same of any set, those of earlier releases too. It never falls from one release to the next.",
    ),
    "unique_in_real": Measure(
        "uniques in the real table (UiO)",
        _IDENTITIES,
        "share",
        "Real records that stand alone by their keys: a fact of the table.",
    ),
    "unique_in_release": Measure("uniques in the sets (UiS)", _IDENTITIES, "share"),
    "smallest_class_real": Measure(
        "smallest class of keys, real",
        _IDENTITIES,
        "count",
        "Records that share a combination of the keys, at least: the k of k-anonymity.",
    ),
    "smallest_class_release": Measure("smallest class of keys, sets", _IDENTITIES, "count"),
    "real_records_below_2": Measure("real records in classes below 2", _IDENTITIES, "share"),
    "release_records_below_2": Measure("synthetic rows in classes below 2", _IDENTITIES, "share"),
    "real_records_below_3": Measure("real records in classes below 3", _IDENTITIES, "share"),
    "release_records_below_3": Measure("synthetic rows in classes below 3", _IDENTITIES, "share"),
    "real_records_below_5": Measure("real records in classes below 5", _IDENTITIES, "share"),
    "release_records_below_5": Measure("synthetic rows in classes below 5", _IDENTITIES, "share"),
    "reidentification_of_real": Measure(
        "population risk of the real table",
        _IDENTITIES,
        "share",
        "By the weights: mean probability that a record is the person of the population whom an intruder looks for.",
    ),
    "reidentification_by_release": Measure("population risk of the sets", _IDENTITIES, "share"),
    "disclosed": Measure(
        "disclosed correctly (DiSCO)",
        _ATTRIBUTES,
        "share",
        "Real records whose keys occur in a set with one level of the target only, which is theirs. A rise "
        "beyond the baseline means that the release knows more of its own records than of others.",
    ),
    "disclosed_in_both": Measure(
        "disclosed in both tables (DiSDiO)",
        _ATTRIBUTES,
        "share",
        "Those of them whose keys have one level in the real table, too.",
    ),
    "dcap": Measure(
        "correct attribution (DCAP)",
        _ATTRIBUTES,
        "share",
        "Chance to be right with a target drawn from the synthetic rows that share the record's keys.",
    ),
    "tcap": Measure(
        "targeted attribution (TCAP)",
        _ATTRIBUTES,
        "share",
        "Correct disclosures as a share of the records whose keys occur in a set.",
    ),
    "confident_guesses": Measure(
        "confident and right guesses",
        _ATTRIBUTES,
        "share",
        "Records of which a model learnt from a set is sure, and right, beyond what the levels alone make likely.",
    ),
    "keys_in_release": Measure("keys that occur in a set (iS)", _ATTRIBUTES, "share"),
    "unanimous_in_release": Measure("keys with one level in a set (DiS)", _ATTRIBUTES, "share"),
    "known_in_real": Measure(
        "keys with one level, real (Dorig)", _ATTRIBUTES, "share", "What the keys tell in the real table: a fact of it."
    ),
    "known_in_release": Measure("keys with one level, sets (Dsyn)", _ATTRIBUTES, "share"),
    "base_cap": Measure("attribution without keys", _ATTRIBUTES, "share"),
    "cap_real": Measure("attribution within the real table", _ATTRIBUTES, "share"),
    "cap_release": Measure("attribution within a set", _ATTRIBUTES, "share"),
    "largest_cell": Measure("largest disclosed class", _ATTRIBUTES, "count"),
    "mean_cell": Measure("mean disclosed class", _ATTRIBUTES),
    "trivial_level": Measure(
        "targets that one level dominates",
        _ATTRIBUTES,
        "number",
        "1 if most disclosures are of one level: it is common, and telling it harms few.",
    ),
    "trivial_pairs": Measure("pairs of key and target that say the same of most", _ATTRIBUTES, "count"),
    "inference_neighbours_keys": Measure(
        "attribute inference by nearest synthetic rows, keys known",
        _ATTACKS,
        "share",
        "Real records whose target a model learnt from the sets tells rightly (a number within a tenth of its"
        " standard deviation or 5 %), beside records that were not synthesized.",
    ),
    "memorisation_gap_neighbours_keys": Measure(
        "memorisation gap, nearest synthetic rows, keys known",
        _ATTACKS,
        "share",
        "Success on records that were synthesized less that on others. Above 0, records were memorised.",
        None,
    ),
    "inference_neighbours_all": Measure(
        "attribute inference by nearest synthetic rows, all other columns known", _ATTACKS, "share"
    ),
    "memorisation_gap_neighbours_all": Measure(
        "memorisation gap, nearest synthetic rows, all other columns known", _ATTACKS, "share", "", None
    ),
    "inference_boosting_keys": Measure("attribute inference by boosting, keys known", _ATTACKS, "share"),
    "memorisation_gap_boosting_keys": Measure("memorisation gap, boosting, keys known", _ATTACKS, "share", "", None),
    "inference_boosting_all": Measure("attribute inference by boosting, all other columns known", _ATTACKS, "share"),
    "memorisation_gap_boosting_all": Measure(
        "memorisation gap, boosting, all other columns known", _ATTACKS, "share", "", None
    ),
    "inference_forest_keys": Measure("attribute inference by random forest, keys known", _ATTACKS, "share"),
    "memorisation_gap_forest_keys": Measure("memorisation gap, random forest, keys known", _ATTACKS, "share", "", None),
    "inference_forest_all": Measure("attribute inference by random forest, all other columns known", _ATTACKS, "share"),
    "memorisation_gap_forest_all": Measure(
        "memorisation gap, random forest, all other columns known", _ATTACKS, "share", "", None
    ),
    "singled_out_by_rows": Measure(
        "singled out by parts of rows",
        _ATTACKS,
        "share",
        "Statements of several cells, taken from a synthetic row, that are true of exactly one real record, "
        "beside those true of exactly one record of the holdout.",
    ),
    "singled_out_by_cells": Measure(
        "singled out by ranges", _ATTACKS, "share", "The same of statements made of ranges and levels."
    ),
    "singled_out_by_values": Measure(
        "singled out by rare values",
        _ATTACKS,
        "share",
        "The same of a single value that is rare or extreme in the sets.",
    ),
    "linked": Measure(
        "linked parts of records",
        _ATTACKS,
        "share",
        "Records of which two parts, held by two sources, have a common nearest synthetic row.",
    ),
    "membership_auc": Measure(
        "membership, best of all attacks (AUC)",
        _ATTACKS,
        "number",
        "Chance that a record that was synthesized looks more so than one that was not: 0.5 is a guess. The "
        "best of an ensemble, beside the best of the same attacks on records drawn at random.",
    ),
    "membership_tpr": Measure("members found at 1 % false alarms", _ATTACKS, "share", ""),
    "membership_auc_distance": Measure("membership by nearest distance (AUC)", _ATTACKS),
    "membership_auc_isolation": Measure("membership by nearest distance for its surroundings (AUC)", _ATTACKS),
    "membership_auc_distance_ratio": Measure("membership by ratio of nearest distances (AUC)", _ATTACKS),
    "membership_auc_density_ratio": Measure("membership by density ratio (AUC)", _ATTACKS),
    "membership_auc_classifier": Measure("membership by classifier (AUC)", _ATTACKS),
    "canaries_found": Measure(
        "planted records found as copies",
        _ATTACKS,
        "share",
        "Records that were made up and put in before the synthesis, and come back.",
    ),
    "canaries_nearer": Measure(
        "planted records nearer than their twins",
        _ATTACKS,
        "share",
        "Planted records that have a nearer synthetic row than records made alike but not planted: one half is chance.",
    ),
}
"""By the name that figures have, in the order in which they are shown."""


def title(name: str) -> str:
    """What a measure is called in words."""
    return MEASURES[name].title if name in MEASURES else name.replace("_", " ")
