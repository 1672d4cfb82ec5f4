"""The papers of a release: a page for the public, one for the review board, codebooks, guides and records.

All are made of the two manifests and of what was judged; no row of data is read. `rp.dossier` is the function `dossier`
of this package, which is callable: see `replicant.callable_package`.
"""

from __future__ import annotations

from replicant.callable_package import make_callable

make_callable(__name__, "call")
