"""How close synthetic data are to real data, and releases to each other.

`rp.utility` is the function `utility` of this package, which is callable for the reason that `replicant.pool` is.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from replicant.evaluation import Evaluation


class _CallablePackage(ModuleType):
    def __call__(self, *args: Any, **options: Any) -> Evaluation:
        from replicant.utility.call import utility

        return utility(*args, **options)

    @property
    def __signature__(self) -> Any:  # so that editors show the arguments of `rp.utility`
        import inspect

        from replicant.utility.call import utility

        return inspect.signature(utility)


sys.modules[__name__].__class__ = _CallablePackage
