"""May a release go out? Checks with limits that were decided before, each with its source.

`rp.gate` is the function `gate` of this package, which is callable: see `replicant.callable_package`.
"""

from __future__ import annotations

from replicant.callable_package import make_callable

make_callable(__name__, "call")
