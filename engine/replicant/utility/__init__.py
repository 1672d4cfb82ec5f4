"""How close synthetic data are to real data, and releases to each other.

`rp.utility` is the function `utility` of this package, which is callable: see `replicant.callable_package`.
"""

from __future__ import annotations

from replicant.callable_package import make_callable

make_callable(__name__, "call")
