"""Studies: bootstrap samples of the data, each synthesized and analysed, to see whether inferences are valid."""

from replicant.study.bind import defaults
from replicant.study.model import Block, Room, Study, Variant, design, open_room
from replicant.study.results import StudyResult, document
from replicant.study.tally import Fold, Tally, flat, unflat

__all__ = [
    "Block",
    "Fold",
    "Room",
    "Study",
    "StudyResult",
    "Tally",
    "Variant",
    "defaults",
    "design",
    "document",
    "flat",
    "open_room",
    "unflat",
]
