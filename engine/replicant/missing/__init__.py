"""Missing cells: made on purpose (amputation), described (patterns, flux), and whether their chains converge."""

from .amputation import Amputation, AmputedPattern, amputation, missing_cells
from .convergence import Convergence, convergence
from .flux import Flux, flux
from .patterns import MissingPatterns, missing_patterns

__all__ = [
    "Amputation",
    "AmputedPattern",
    "Convergence",
    "Flux",
    "MissingPatterns",
    "amputation",
    "convergence",
    "flux",
    "missing_cells",
    "missing_patterns",
]
