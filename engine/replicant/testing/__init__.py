"""Does a method keep the promises of its protocol? For authors of methods: the suite that the engine's own face."""

from .suite import check_method

__all__ = ["check_method"]
