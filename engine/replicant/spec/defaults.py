"""What settings of a synthesis are where nobody says so."""

from __future__ import annotations

from typing import Any

from replicant.spec.donors import DistinctDonors

__all__ = ["DEFAULTS"]

DEFAULTS: dict[str, dict[str, Any]] = {
    "synthetic": {
        "minbucket": "auto",
        "class_risk": "gini",
        "splits": "corrected",
        "leaf_weights": "regression",
        "donors": DistinctDonors(distinct=3),
        "visit_sequence": "auto",
    },
    "observed": {
        "minbucket": 5,
        "class_risk": "misclassified",
        "splits": "rpart",
        "leaf_weights": "equal",
        "donors": "any",
        "visit_sequence": "random",
    },
    "imputation": {"minbucket": 5, "class_risk": "gini", "splits": "rpart", "leaf_weights": "equal"},
}
"""What settings are by conditioning, or in a chain of imputations, unless they are given.

`observed` does as rpart and mice do.
"""
