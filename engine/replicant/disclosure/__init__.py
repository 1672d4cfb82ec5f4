"""What synthetic data give away: copies, identities, attributes, attacks, and the records at risk.

`rp.disclosure` is the function `disclosure` of this package, which is callable for the reason that `replicant.pool` is.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from replicant.evaluation import Evaluation


class _CallablePackage(ModuleType):
    def __call__(self, *args: Any, **options: Any) -> Evaluation:
        from replicant.disclosure.call import disclosure

        return disclosure(*args, **options)

    @property
    def __signature__(self) -> Any:  # so that editors show the arguments of `rp.disclosure`
        import inspect

        from replicant.disclosure.call import disclosure

        return inspect.signature(disclosure)


sys.modules[__name__].__class__ = _CallablePackage
