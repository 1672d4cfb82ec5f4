"""What synthetic data give away: copies, identities, attributes, attacks, and the records at risk.

`rp.disclosure` is the function `disclosure` of this package, which is callable: see `replicant.callable_package`.
"""

from __future__ import annotations

from replicant.callable_package import make_callable

make_callable(__name__, "call")
