"""Studies: bootstrap samples of the data, each synthesized and analysed, to see whether inferences are valid."""

from replicant.studies.bind import defaults
from replicant.studies.model import Block, PreparedStudy, Study, Variant, design, prepare_study
from replicant.studies.results import FORMAT, StudyResult, document
from replicant.studies.tally import Fold, Tally, flat, unflat

__all__ = [
    "FORMAT",
    "Block",
    "Fold",
    "PreparedStudy",
    "Study",
    "StudyResult",
    "Tally",
    "Variant",
    "defaults",
    "design",
    "document",
    "flat",
    "prepare_study",
    "unflat",
]
