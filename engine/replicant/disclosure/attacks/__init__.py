"""Attacks on a release, each beside a control group and with an interval.

From general definitions: attribute inference, membership inference, singling out, and linkability.
"""

from __future__ import annotations

from replicant.disclosure.attacks.attack import Attacks, attack

__all__ = ["Attacks", "attack"]
