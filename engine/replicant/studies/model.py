"""A study: its variants planned, its samples fixed, and its estimands bound, before anything is computed."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from replicant import fcs
from replicant.errors import SpecError
from replicant.events import Event
from replicant.methods import Declaration
from replicant.missing import Amputation, amputation, missing_cells
from replicant.plan import Plan, build_plan
from replicant.plan.seeds import Stage, stream
from replicant.release import public_manifest
from replicant.spec.models import StudySpec, SynthesisSpec
from replicant.spec.variants import variants_of
from replicant.studies.arm import SAMPLE, Arm, Codes, amputed, arm_of_rows, sample_arm, synthetic_arm
from replicant.studies.bind import SUMMARY, bind
from replicant.studies.estimand import Estimand, Head
from replicant.studies.samples import Samples, drawn, given
from replicant.studies.tally import Floats, Key, Replicates, Tally
from replicant.table import Table

__all__ = ["Block", "PreparedStudy", "Study", "Variant", "design", "prepare_study"]

BLOCK = 10
"""Replicates that are summed together; part of the result's last digits."""

BLOCK_SECONDS = 30.0
"""Seconds of a block at most: a lost worker costs one block, so slow replicates are summed in smaller blocks."""


@dataclass(frozen=True, eq=False, repr=False)
class Variant:
    """One way to synthesize.

    Attributes
    ----------
    name
        The name of its arm.
    settings
        The settings that differ from the study's synthesis.
    plan
        The plan of the synthesis.
    manifest
        The public manifest of such a release, which determines the pooling rule.
    """

    name: str
    settings: Mapping[str, Any]
    plan: Plan
    manifest: Mapping[str, Any]


@dataclass(frozen=True, eq=False, repr=False)
class Study:
    """The plan of a study; it does not hold the table.

    Attributes
    ----------
    spec
        The specification.
    m, seed
        The number of sets (unless a variant sets another), and the seed of all streams.
    variants, samples
        The variants of the synthesis, and the bootstrap samples.
    block
        Replicates that are summed together.
    rows
        The number of rows of the table.
    digest
        A digest of everything that determines the results.
    amputation
        Which cells each sample loses before it is synthesized; None: none.
    cluster
        The column of the clusters that samples are drawn of; None where rows are drawn.
    """

    spec: StudySpec
    m: int
    seed: int
    variants: tuple[Variant, ...]
    samples: Samples
    block: int
    rows: int
    digest: str
    amputation: Amputation | None = None
    cluster: str | None = None

    @property
    def blocks(self) -> int:
        """The number of blocks."""
        return -(-self.spec.replicates // self.block)

    @property
    def events(self) -> tuple[Event, ...]:
        """Unusual findings in the table or the variants, each once."""
        return tuple(dict.fromkeys(event for variant in self.variants for event in variant.plan.events))

    def replicates(self, block: int) -> range:
        """The replicates of one block, 0-based."""
        return range(block * self.block, min((block + 1) * self.block, self.spec.replicates))

    def __repr__(self) -> str:
        # Without the seed: a repr ends up in logs.
        return f"<Study of {self.spec.replicates} replicates, {len(self.variants)} variants, {self.rows} rows>"


def design(
    study: StudySpec, synthesis: SynthesisSpec, table: Table, methods: Mapping[str, Declaration] | None = None
) -> Study:
    """Plan a study.

    Parameters
    ----------
    study, synthesis
        The specifications; variants differ from `synthesis`.
    table
        The encoded table.
    methods
        As for `build_plan`.

    Raises
    ------
    SpecError, DataError
        If a variant or the samples do not fit the table.
    """
    seed = secrets.randbits(63) if synthesis.seed is None else synthesis.seed
    variants = []
    lost = None if study.ampute is None else amputation(table, **study.ampute.model_dump())
    planned = table if lost is None else amputed(table, _some_cells(table, lost, seed))
    for name, settings, spec in variants_of(study, synthesis.model_copy(update={"seed": seed})):
        if spec.k not in {None, table.n}:
            raise SpecError(
                f"the variant {name!r} sets k to {spec.k}",
                need="as many synthetic rows as the bootstrap samples have, which is the number of real ones",
                fix="leave k out",
            )
        if spec.partition_rows is not None:
            raise SpecError(
                "A study synthesizes each sample as a whole, and `partition_rows` is set.",
                fix="leave partition_rows out",
            )
        if spec.canaries:
            raise SpecError(
                "A study measures what a synthesis does to samples, and `canaries` adds rows that are nobody's.",
                fix="leave canaries out; `rp.disclosure` of a synthesis with canaries shows what comes back of them",
            )
        if spec.imputation is not None and not _of_rules(spec.imputation.where, spec.imputation.ignore):
            raise SpecError(
                "`where` or `ignore` of the imputation is a mask, and a study draws samples of the rows",
                need="rules, such as age > 65",
                fix="write the condition as a rule",
            )
        plan = build_plan(spec, planned, methods, orders=fcs.find_orders)
        made_up = [column.name for column in plan.columns if column.is_new]
        if made_up:
            raise SpecError(
                f"the identifier {made_up[0]!r} gets made-up values, which a study cannot assess",
                need="variables only",
                fix=f"leave it out (drop: [{', '.join(made_up)}])",
            )
        variants.append(Variant(name, settings, plan, public_manifest(plan, planned, ())))
    cluster = synthesis.in_clusters if study.samples is None and synthesis.in_clusters in table.names else None
    taken = (
        drawn(
            *(table.n, study.replicates, seed, None if cluster is None else table[cluster].codes),
            halves=study.sampling == "halves",
        )
        if study.samples is None
        else given(study.samples, table.n, study.replicates)
    )
    seconds = sum(variant.plan.seconds_estimate for variant in variants)
    block = int(np.clip(BLOCK_SECONDS / max(seconds, 1e-9), 1, BLOCK))
    said = json.dumps(
        {
            "study": study.model_dump(exclude={"title", "note", "samples", "reference", "estimands"}),
            "estimands": [one.model_dump(exclude={"title", "published"}) for one in study.estimands],
            "plans": [variant.plan.digest for variant in variants],
            "samples": taken.digest(),
            "block": block,
        },
        sort_keys=True,
        default=_named,
    )
    digest = sha256(said.encode()).hexdigest()
    return Study(study, synthesis.m, seed, tuple(variants), taken, block, table.n, digest, lost, cluster)


def _of_rules(*selections: Any) -> bool:
    """Whether all of these select by rules, or nothing."""
    texts = [list(one.values()) if isinstance(one, Mapping) else one for one in selections]
    return all(one is None or (isinstance(one, list) and all(isinstance(text, str) for text in one)) for one in texts)


def _some_cells(table: Table, wanted: Amputation, seed: int) -> NDArray[np.bool_]:
    """Cells that may go missing, at least one in each column that can: what a plan must be ready for."""
    cells = missing_cells(table, wanted, stream(seed, Stage.AMPUTE))
    names = {name for pattern in wanted.patterns for name in pattern.columns}
    for at, name in enumerate(table.names):
        if name in names and wanted.share > 0 and not cells[:, at].any():
            cells[0, at] = True
    return cells


def _named(value: object) -> str:
    """A function of the user's, by its name; arrays of cells are in the plans' digests."""
    return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', type(value).__name__)}"


@dataclass(frozen=True, eq=False, repr=False)
class Block:
    """What came out of one block.

    Attributes
    ----------
    index
        Which block.
    tally
        Its sums.
    synthesis, estimation
        Seconds that went into each.
    """

    index: int
    tally: Tally
    synthesis: float
    estimation: float


@dataclass(frozen=True, eq=False, repr=False)
class PreparedStudy:
    """A study with its table: encoded, prepared for every variant, estimands bound."""

    study: Study
    table: Table
    codes: Codes
    partitions: Mapping[str, tuple[fcs.Prepared, ...]]
    estimands: tuple[Estimand, ...]

    @property
    def heads(self) -> tuple[Head, ...]:
        """The heads of all tables, in order."""
        return tuple(head for one in self.estimands for head in one.heads)

    @np.errstate(over="ignore", invalid="ignore")  # figures that are not finite are counted as missing
    def measure(self, block: int) -> Block:
        """Compute the replicates of one block."""
        figures: dict[Key, list[Floats]] = {}
        synthesis, began = 0.0, perf_counter()
        for replicate in self.study.replicates(block):
            synthesis += self._replicate(replicate, figures)
        draws = {head.name for head in self.heads if head.draws}
        tally = {key: Replicates.of(np.stack(found), key[0] in draws) for key, found in figures.items()}
        return Block(block, tally, synthesis, perf_counter() - began - synthesis)

    def _sample(self, replicate: int, weights: Codes) -> Arm:
        study, clusters = self.study, None
        if study.cluster is not None:
            at = self.table.names.index(study.cluster)
            clusters = {at: study.samples.clusters_apart(self.codes[at], weights)}
        return sample_arm(self.table, self.codes, weights, replicate, study.seed, clusters)

    def _replicate(self, replicate: int, figures: dict[Key, list[Floats]]) -> float:
        weights = self.study.samples.weights(replicate)
        sample = self._sample(replicate, weights)
        cells = None
        if self.study.amputation is not None:
            rng = stream(self.study.seed, Stage.AMPUTE, replicate=replicate)
            cells = missing_cells(self.table, self.study.amputation, rng, sample.sets[0].rows)
        own = {name: found for one in self.estimands for name, found in one.measure(sample).items()}
        covered = [head.name for head in self.heads if head.kind == "model"]
        _keep(figures, SAMPLE, own, covered)
        seconds = 0.0
        for variant in self.study.variants:
            began = perf_counter()
            prepared, plan = self.partitions[variant.name], variant.plan
            if self.study.amputation is None and plan.imputation is None and self.study.cluster is None:
                arm = synthetic_arm(variant.name, sample, weights, prepared, plan, variant.manifest)
            else:
                arm = arm_of_rows(variant.name, sample, cells, prepared, plan, variant.manifest)
            seconds += perf_counter() - began
            made = {name: found for one in self.estimands for name, found in one.measure(arm).items()}
            # What the synthesis changed in this very sample: its error is far smaller than that of the bias.
            made = {
                name: np.vstack([found, found[0] - own[name][0]]) if name in own else found
                for name, found in made.items()
            }
            _keep(figures, variant.name, made, covered)
        return seconds


def _keep(figures: dict[Key, list[Floats]], arm: str, made: Mapping[str, Floats], covered: list[str]) -> None:
    for table, found in made.items():
        figures.setdefault((table, arm), []).append(found)
    if covered:
        # The mean over all coefficients, replicate by replicate: their intervals miss together.
        whole = np.concatenate([made[table][3] for table in covered])
        mean = float(np.nanmean(whole)) if np.isfinite(whole).any() else np.nan
        figures.setdefault((SUMMARY, arm), []).append(np.array([[mean]]))


@np.errstate(over="ignore", invalid="ignore")
def prepare_study(study: Study, table: Table) -> PreparedStudy:
    """Make all that the replicates share.

    Raises
    ------
    SpecError, DataError
        If an estimand does not fit the table.
    """
    table = table.analysed()
    codes = np.stack([column.codes for column in table.columns])
    prepared: dict[str, tuple[fcs.Prepared, ...]] = {}
    for variant in study.variants:
        plan = variant.plan
        prepared[variant.name] = tuple(
            fcs.prepare(table if partition.rows is None else table.take(partition.rows), plan, partition.index)
            for partition in plan.partitions
        )
    original = sample_arm(table, codes, np.ones(table.n, dtype=np.int32), 0, study.seed)
    manifests = {variant.name: variant.manifest for variant in study.variants}
    plan = study.variants[0].plan
    estimands = bind(study.spec.estimands, original, manifests, plan.fitted, study.spec.level)
    return PreparedStudy(study, table, codes, prepared, estimands)
