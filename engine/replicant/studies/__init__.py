"""Studies: bootstrap samples of the data, each synthesized and analysed, to see whether inferences are valid."""

from replicant.studies.bind import defaults
from replicant.studies.model import Block, Room, Study, Variant, design, open_room
from replicant.studies.results import FORMAT, StudyResult, document
from replicant.studies.tally import Fold, Tally, flat, unflat

__all__ = [
    "FORMAT",
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
