"""`rp.study`: does this synthesis give valid inferences on data like mine?"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from replicant import methods
from replicant.errors import SpecError
from replicant.spec.explain import explain
from replicant.spec.load import validate_synthesis
from replicant.spec.models import StudySpec
from replicant.studies import StudyResult, design
from replicant.synthesis import Data, encode, source_of

__all__ = ["study"]

Estimands = Sequence[Mapping[str, Any]]


def study(
    data: Data,
    replicates: int = 1000,
    m: int = 5,
    estimands: Estimands | None = None,
    *,
    variants: Mapping[str, Mapping[str, Any]] | None = None,
    samples: str | os.PathLike[str] | None = None,
    sampling: str = "bootstrap",
    ampute: Mapping[str, Any] | None = None,
    level: float = 0.95,
    title: str | None = None,
    reference: str | os.PathLike[str] | None = None,
    columns: Mapping[str, Any] | None = None,
    reading: Mapping[str, Any] | None = None,
    client: Any = None,
    workers: int | None = None,
    threads: int | None = None,
    progress: bool = True,
    **synthesis: Any,
) -> StudyResult:
    """Simulate: draw bootstrap samples of the data, synthesize and analyse each, and compare with the truth.

    The data take the role of the population, so the truth of every estimand is known: it is the estimate on the data.
    Each sample is synthesized m times under every variant; the estimates of the m sets, pooled by the rule that holds
    for them, are compared with the truth and with the sample itself. Results are the same for any number of workers.

    Parameters
    ----------
    data
        As for `synthesize`.
    replicates
        Number of bootstrap samples.
    m
        Synthetic sets of each.
    estimands
        Documents with exactly one of the keys `describe`, `correlation`, `model` (with `formula`), `discriminate`,
        `means`, `counts`, `densities`, `copies`, `utility`, `disclosure`; see `EstimandSpec`. None: what needs no
        model.
    variants
        Names with the settings in which they differ: `{"observed": {"conditioning": "observed"}, "synthetic": {}}`.
    samples
        A CSV file of bootstrap samples; None: drawn.
    sampling
        How they are drawn: `bootstrap`, or `halves` of the rows, each once.
    ampute
        Cells that each sample loses before it is synthesized or imputed, as arguments of `rp.ampute`:
        `{"share": 0.3, "mechanism": "MAR", "columns": ["age"]}`. None: none.
    level
        Of the intervals.
    title
        Of the report.
    reference
        Folder of published figures to lie beside.
    columns
        What inference of kinds gets wrong, as for `synthesize`.
    reading
        How a file is written, as for `synthesize`.
    client, workers, threads
        A `distributed.Client`, a number of processes on this machine (a script then needs the usual
        `if __name__ == "__main__":`), or of threads in this one. None of them: this thread.
    progress
        Whether to say on standard error how far it is.
    synthesis
        The settings of `synthesize`: `seed`, `conditioning`, `minbucket`, `passive`, ...

    Returns
    -------
    StudyResult
        `.tables`, `.draws`, `.summary`, `.to_html()`. It holds statistics of the data: it is for their owner.

    Raises
    ------
    SpecError
        If an argument asks for something impossible.
    DataError
        If the data cannot be synthesized as they are.

    References
    ----------
    Volker, T. B. and Vink, G. (2021). Anonymiced shareable data. *Psych* 3(4), 703-716: sections 3 and 4.

    Examples
    --------
    >>> import replicant as rp
    >>> from statsmodels.datasets import anes96
    >>> people = anes96.load_pandas().data[["age", "educ", "income"]]
    >>> model = {"model": "ols", "formula": "age ~ educ + income"}
    >>> found = rp.study(people, 4, estimands=[model], seed=1, progress=False)
    >>> found.tables["model"][["arm", "term", "replicates"]].head(2)
            arm         term  replicates
    0     sample  (Intercept)           4
    1  synthetic  (Intercept)           4
    """
    from replicant.execution.backend import Backend
    from replicant.execution.progress import choose
    from replicant.run.study import compute

    backend = Backend.of_call(client, threads) if workers is None else Backend(threads, workers, client=client)
    asked = {
        "replicates": replicates,
        "estimands": _listed(estimands),
        "variants": {name: _plain(settings) for name, settings in (variants or {}).items()},
        "samples": None if samples is None else os.fspath(samples),
        "sampling": sampling,
        "ampute": None if ampute is None else dict(ampute),
        "level": level,
        "title": title,
        "reference": None if reference is None else os.fspath(reference),
    }
    try:
        spec = StudySpec.model_validate(asked)
    except ValidationError as error:
        raise explain(error, StudySpec, asked) from None
    settings = validate_synthesis(m=m, **synthesis)
    table = encode(data, columns, reading, settings)
    source = source_of(data, columns, reading, settings)
    designed = design(spec, settings, table, methods.registered())
    return compute(
        designed,
        table,
        Backend(threads=1) if backend.is_default else backend,
        source=None if source is None else replace(source, digest=table.digest()),
        progress=choose(quiet=not progress, stream=sys.stderr),
    )


def _listed(estimands: object) -> list[object]:
    """The estimands one by one.

    Raises
    ------
    SpecError
        If they are no list.
    """
    if isinstance(estimands, str | Mapping):
        raise SpecError(
            f"estimands is {'a text' if isinstance(estimands, str) else 'a mapping'}",
            need="a list of mappings",
            fix='write estimands=[{"model": "ols", "formula": "y ~ x"}]',
        )
    return [_plain(one) for one in (estimands if isinstance(estimands, Sequence) else ())]


def _plain(value: object) -> object:
    """Any mapping as a dictionary; what is none is for the spec to refuse."""
    return dict(value) if isinstance(value, Mapping) else value
