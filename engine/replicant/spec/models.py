"""What a user asks for, as documents: one job is one YAML file. Every key is known; an unknown one is an error."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from replicant.spec.defaults import DEFAULTS
from replicant.spec.document import Document, Names, Whole, list_or_word
from replicant.spec.donors import Donors, most_donations
from replicant.spec.gate import GateSpec
from replicant.spec.imputation import ImputationSpec
from replicant.spec.input import InputSpec
from replicant.spec.method import Methods, split_options
from replicant.spec.output import OutputSpec
from replicant.spec.recodings import Recodings, needs_seed
from replicant.spec.study import EstimandSpec, StudySpec
from replicant.spec.tree_settings import (
    MOST_ROWS,
    ClassRisk,
    Complexity,
    Depth,
    Dominance,
    LeafRows,
    LeafRowsOrAuto,
    LeafWeighting,
    Smoothing,
    SplitRows,
    Splits,
)
from replicant.storage.filesystem import check_url
from replicant.table.codebook import ColumnSpec

__all__ = ["InputSpec", "JobSpec", "OutputSpec", "StudySpec", "SynthesisSpec"]

MOST_RULES = 500
"""Rules are compared in pairs."""

_LISTED = 40
"""Entries of a list that the view of a notebook writes out."""

DEFAULT_METHOD = "cart"


class SynthesisSpec(Recodings):
    """How a table is synthesized. Every field has a default.

    Attributes
    ----------
    m
        Number of synthetic sets.
    seed
        Seed of all random streams; None draws one from the operating system's entropy.
    method
        One method for all columns (`cart`, `sample`, or another name), or a method by column, with its options:
        `{hgt: {name: cart, minbucket: 20}}`. `surrogate` makes up new values of an identifier.
    conditioning
        `synthetic`: predict each column from the synthetic ones before it. `observed`: from the row's observed values.
    options
        Of some columns, options of their methods, which go before the settings for all: `{hgt: {minbucket: 20}}`.
    minbucket, cp, minsplit, maxdepth
        How trees grow, as in rpart. `minsplit` None is three times `minbucket`, and `minbucket: auto` is found for each
        tree by how leaves of several sizes tell rows held out. None: `auto`; 5 under `observed` conditioning.
    min_donors
        Fewest distinct records in a leaf of a tree, whatever `minbucket` is: behind every value stand as many. 1 unless
        given; in a job with a gate, what its tier asks for.
    l_diversity
        Fewest distinct values of a column in a leaf, or all that the column has, if these are fewer.
    dominance
        Leaves are merged in which the magnitudes but the two largest add up to less than this share of the largest, so
        that the record with the second largest could tell it to within that share (the p % rule). 0: none is.
    smoothing
        `kernel`: trees draw numbers near those of donors instead of these. `none`: real values.
    class_risk
        What `cp` counts for classes: `gini`, or `misclassified` rows as in rpart, mice and synthpop, which takes back
        every split that changes no majority. None: `gini`; `misclassified` under `observed` conditioning.
    splits
        `rpart`: trees take the split that gains most, as in rpart. `corrected`: the one that gains most beyond what the
        best of as many cuts gains by chance. None: `corrected`; `rpart` under `observed` conditioning.
    leaf_weights
        `equal`: the records of a leaf are as likely as each other. `regression`: they are weighted so that their mean
        follows a regression within the leaf, which keeps coefficients from shrinking. None: `regression`; `equal` under
        `observed` conditioning.
    drop
        Columns that are left out of the release, such as names and other identifiers; no other column knows of them.
    passive
        Columns that are computed from others: `{bmi: "wgt / (hgt / 100)**2"}`. `auto`: all that are arithmetic on
        others in nearly every row.
    predictors
        The only columns a column may be predicted from, where the default (all others) is not wanted.
    rules
        What every synthetic row keeps: `age >= 0`, `birth <= marriage <= death`, `if status == 'retired': age >= 55`,
        `total == a + b`, `city within region`.
    on_violation
        What to do with observed rows that break a rule: `report` how many there are, `exclude_rows` (nothing is learnt
        from them), or `error`.
    visit_sequence
        `random` (a new order for every imputation), `auto` (new ones, drawn from those that suit the data), `table`, or
        a list of columns.
    where
        Cells to replace: None (all), rules such as `income > p99`, rules by column, or masks.
    cluster
        The column that says which cluster a row belongs to, for methods of rows in clusters, such as `2l.norm`.
    random_slopes
        With `cluster`: by column, the predictors that have a random slope.
    strata
        Columns whose groups are synthesized by themselves.
    min_stratum
        Strata with fewer rows are pooled.
    partition_rows
        Rows of each random partition that the table, or each stratum, is shuffled into. Each partition is synthesized
        by itself, and the rows of the sets are shuffled again. None: the table, or stratum, is one partition.
    k
        Synthetic rows per set; None is as many as observed.
    missing
        `keep`: missing cells are synthesized as a property of the data. `impute`: each set is drawn from a table that
        a chain of its own has completed.
    imputation
        With `missing: impute`: how; left out, by the defaults.
    syntheses
        With `missing: impute`: sets that are drawn from each completed table. 1: imputed and synthesized in one step,
        pooled by `one_step`. More: in two steps, m x syntheses sets, pooled by `reiter2004`.
    fits
        `own`: every imputation fits its own models. `shared`: one fit serves all.
    proper
        Whether parameters are drawn from their posterior, by methods that can; others are fitted to a bootstrap sample.
    exclude_self
        Whether a record may not donate to itself.
    donors
        `any`, or `distinct`: within one synthetic row no record donates to two cells where its leaf offers another
        record. `{distinct: n}`: to more than n cells. None: `{distinct: 3}`; `any` under `observed` conditioning.
    shuffle
        Whether to shuffle rows in the release.
    canaries
        Made-up records that are put among the rows that models see, looked for in the sets, and taken out.
    """

    m: Annotated[Whole, Field(ge=1, le=1000)] = 5
    seed: Annotated[Whole, Field(ge=0, lt=2**128)] | None = None
    method: Methods = DEFAULT_METHOD
    conditioning: Literal["synthetic", "observed"] = "synthetic"
    options: dict[str, dict[str, Any]] = Field(default_factory=dict)
    minbucket: LeafRowsOrAuto | None = None
    cp: Complexity = 1e-8
    minsplit: SplitRows | None = None
    maxdepth: Depth = 30
    min_donors: LeafRows = 1
    l_diversity: LeafRows = 1
    dominance: Dominance = 0.0
    smoothing: Smoothing = "none"
    class_risk: ClassRisk | None = None
    splits: Splits | None = None
    leaf_weights: LeafWeighting | None = None
    drop: Names = Field(default_factory=list)
    passive: dict[str, str] | Literal["auto"] = Field(default_factory=dict)
    predictors: dict[str, Names] = Field(default_factory=dict)
    rules: Annotated[Names, Field(max_length=MOST_RULES)] = Field(default_factory=list)
    on_violation: Literal["report", "exclude_rows", "error"] = "report"
    visit_sequence: Annotated[str | list[str] | None, BeforeValidator(list_or_word)] = None
    where: Any = None
    cluster: str | None = None
    random_slopes: dict[str, Names] = Field(default_factory=dict)
    strata: Annotated[str | list[str] | None, BeforeValidator(list_or_word)] = None
    min_stratum: LeafRows = 100
    partition_rows: Annotated[Whole, Field(ge=4, le=MOST_ROWS)] | None = None
    k: LeafRows | None = None
    missing: Literal["keep", "impute"] = "keep"
    imputation: ImputationSpec | None = None
    syntheses: Annotated[Whole, Field(ge=1, le=1000)] = 1
    fits: Literal["own", "shared"] = "own"
    proper: bool = False
    exclude_self: bool = False
    donors: Donors | None = None
    shuffle: bool = True
    canaries: Annotated[Whole, Field(ge=0, le=1000)] = 0

    @field_validator("passive", mode="before", json_schema_input_type=dict[str, str] | Literal["auto"] | None)
    @classmethod
    def _none_is_nothing(cls, value: object) -> object:
        return {} if value is None else value

    @field_validator("predictors", "random_slopes", mode="before", json_schema_input_type=dict[str, Names] | None)
    @classmethod
    def _none_is_empty(cls, value: object) -> object:
        return {} if value is None else value

    @field_validator("where", mode="before", json_schema_input_type=str | list[str] | dict[str, Any] | None)
    @classmethod
    def _where_is_known(cls, value: object) -> object:
        if isinstance(value, str):
            return [value]
        if isinstance(value, (list, tuple)):
            if all(isinstance(rule, str) for rule in value):
                return list(value)
        elif isinstance(value, dict):
            if all(isinstance(name, str) for name in value):
                return value
        elif value is None or hasattr(value, "columns") or getattr(value, "ndim", 0) == 2:
            return value
        raise ValueError("a list of rules, rules or masks by column, or an (n, p) mask is needed")

    @model_validator(mode="after")
    def _partitions_hold_donors(self) -> SynthesisSpec:
        if self.partition_rows is not None and self.min_donors > self.partition_rows:
            raise ValueError(f"at least {self.min_donors} partition_rows, as many as min_donors, are needed")
        return self

    @model_validator(mode="after")
    def _clusters_stay_whole(self) -> SynthesisSpec:
        named = self.cluster or (None if self.imputation is None else self.imputation.cluster)
        if named is not None and self.partition_rows is not None:
            raise ValueError("`strata` with `min_stratum` is needed beside `cluster`: partition_rows scatters clusters")
        return self

    @model_validator(mode="after")
    def _imputation_is_asked_for(self) -> SynthesisSpec:
        if self.missing == "keep" and self.imputation is not None:
            raise ValueError("`missing: impute` beside an imputation is needed")
        if self.missing == "keep" and self.syntheses > 1:
            raise ValueError("`missing: impute` beside syntheses is needed: sets are nested in imputations")
        return self

    _options = split_options()
    _seed = needs_seed()

    @classmethod
    def completing(cls, imputation: ImputationSpec, **settings: Any) -> SynthesisSpec:
        """A synthesis that draws nothing: its sets are the table with its missing cells filled, row by row.

        Parameters
        ----------
        imputation
            How they are filled.
        settings
            Others, such as m and seed.
        """
        fixed = {"method": "keep", "conditioning": "observed", "shuffle": False, "missing": "impute"}
        return cls.model_validate({**fixed, "imputation": imputation, **settings})

    @property
    def expressions(self) -> dict[str, str]:
        """Expressions of `passive` by column; none with `auto`, until a table is there to be searched."""
        return {} if isinstance(self.passive, str) else self.passive

    @property
    def sets(self) -> int:
        """How many sets there will be: m, or m x syntheses."""
        return self.m * self.syntheses

    @property
    def in_clusters(self) -> str | None:
        """The column that holds the clusters; None if there are none."""
        return self.cluster or (None if self.imputation is None else self.imputation.cluster)

    @property
    def imputed(self) -> ImputationSpec | None:
        """How missing cells are imputed; None if they are kept."""
        if self.missing == "keep":
            return None
        found = self.imputation or ImputationSpec()
        return found if found.cluster else found.model_copy(update={"cluster": self.cluster})

    @property
    def strata_columns(self) -> tuple[str, ...]:
        """The strata as names, none if there are no strata."""
        if self.strata is None:
            return ()
        return (self.strata,) if isinstance(self.strata, str) else tuple(self.strata)

    def method_of(self, name: str) -> str:
        """The method that a column is to have."""
        return self.method if isinstance(self.method, str) else self.method.get(name, DEFAULT_METHOD)

    def used(self, setting: str, where: str | None = None) -> Any:
        """A setting as given, or what it is by default.

        Parameters
        ----------
        setting
            One of those of `DEFAULTS`.
        where
            One of `DEFAULTS`; None: the conditioning.
        """
        given = getattr(self, setting)
        return DEFAULTS[where or self.conditioning][setting] if given is None else given

    @property
    def most_donations(self) -> int | None:
        """To how many cells of a synthetic row a record may donate; None: no limit."""
        return most_donations(self.used("donors"))


class ImputationJob(ImputationSpec):
    """A job that imputes: how, and what else its synthesis would say.

    Attributes
    ----------
    m, seed, drop, strata, min_stratum, partition_rows
        As of a synthesis: number of completed sets, seed, columns to leave out, and what is imputed by itself.
    """

    m: Annotated[Whole, Field(ge=1, le=1000)] = 5
    seed: Annotated[Whole, Field(ge=0, lt=2**128)] | None = None
    drop: Names = Field(default_factory=list)
    strata: Annotated[str | list[str] | None, BeforeValidator(list_or_word)] = None
    min_stratum: LeafRows = 100
    partition_rows: Annotated[Whole, Field(ge=4, le=MOST_ROWS)] | None = None

    @property
    def of_the_job(self) -> list[str]:
        """Keys that were given and are those of a synthesis."""
        return sorted((self.model_fields_set & ImputationJob.model_fields.keys()) - ImputationSpec.model_fields.keys())

    def alone(self) -> ImputationSpec:
        """How cells are imputed."""
        return ImputationSpec(**{name: getattr(self, name) for name in ImputationSpec.model_fields})

    def as_synthesis(self) -> SynthesisSpec:
        """A synthesis that draws nothing: its sets are the completed table."""
        names = ImputationJob.model_fields.keys() - ImputationSpec.model_fields.keys()
        given = {name: getattr(self, name) for name in names}
        return SynthesisSpec.completing(self.alone(), **given)


class JobSpec(Document):
    """A whole job: its output is a release, or, where it has a `study`, the results of that.

    Attributes
    ----------
    input
        Where the table is.
    columns
        What inference gets wrong, by column; `replicant inspect DATA --codebook -` prints all of them.
    synthesis
        How the table is synthesized.
    imputation
        How missing cells are imputed. Without `synthesis` the sets are the completed table, which is no less
        confidential; with `synthesis: {missing: impute}` they are drawn from it.
    study
        A simulation instead of a release.
    gate
        What the release must show before it goes out; None: it goes out as it is.
    output
        Where the release, or the results of a study, go.
    """

    input: InputSpec
    columns: dict[str, ColumnSpec] = Field(default_factory=dict)
    synthesis: SynthesisSpec = Field(default_factory=SynthesisSpec)
    imputation: ImputationJob | None = None
    study: StudySpec | None = None
    gate: GateSpec | None = None
    output: OutputSpec

    @model_validator(mode="after")
    def _imputation_is_part_of_the_synthesis(self) -> JobSpec:
        """How missing cells are imputed is said by the synthesis that needs them, and nowhere else."""
        said = self.imputation
        if said is None:
            return self
        alone = "synthesis" not in self.model_fields_set
        if not alone and self.synthesis.missing != "impute":
            raise ValueError("`synthesis: {missing: impute}` beside an imputation is needed, or no synthesis at all")
        if not alone and said.of_the_job:
            raise ValueError(
                f"{', '.join(said.of_the_job)} of the synthesis is needed, not of the imputation beside it"
            )
        if not alone and self.synthesis.imputation is not None:
            raise ValueError("one imputation is needed: the section, or synthesis.imputation")
        self.synthesis = (
            said.as_synthesis() if alone else self.synthesis.model_copy(update={"imputation": said.alone()})
        )
        self.imputation = None
        return self

    @model_validator(mode="after")
    def _a_gate_is_of_a_release(self) -> JobSpec:
        if self.gate is not None and self.study is not None:
            raise ValueError("`gate` or `study` is needed: a study writes no release")
        return self

    @model_validator(mode="after")
    def _values_have_the_donors_that_the_gate_asks_for(self) -> JobSpec:
        """Without it a job that says nothing of leaves would only fail its gate."""
        if self.gate is not None and "min_donors" not in self.synthesis.model_fields_set:
            self.synthesis = self.synthesis.model_copy(update={"min_donors": max(1, self.gate.donors)})
        return self

    @model_validator(mode="after")
    def _urls_carry_no_credentials(self) -> JobSpec:
        study = () if self.study is None else (self.study.samples, self.study.reference)
        gate = () if self.gate is None else (self.gate.population, *self.gate.earlier)
        if self.gate is not None and isinstance(self.gate.holdout, str):
            gate = (self.gate.holdout, *gate)
        for path in (self.input.path, self.output.path, self.output.internal, *study, *gate):
            check_url(path)
        return self

    def _repr_html_(self) -> str:
        from replicant.table.codebook import Codebook
        from replicant.view.fragment import folded, fragment, rows

        sections = {name: getattr(self, name) for name in ("input", "synthesis", "study", "gate", "output")}
        body = [
            (f"{name}.{key}", _shown(getattr(section, key)))
            for name, section in sections.items()
            if section is not None
            for key in type(section).model_fields
            if key in section.model_fields_set and getattr(section, key) is not None
        ]
        count = len(self.columns)
        described = f"What is said of {count} column{'s' if count > 1 else ''}"
        book = folded(described, Codebook(self.columns)._repr_html_()) if self.columns else ""
        what = "a release" if self.study is None else "the results of a study"
        facts = f"its output is {what}; what is not said here has its default"
        return fragment("Job", facts, rows(("key", "value"), body, long={1}), book)

    @field_validator("columns", mode="before", json_schema_input_type=dict[str, ColumnSpec | None] | None)
    @classmethod
    def _none_is_empty(cls, value: object) -> object:
        # `age:` with nothing behind it says nothing about the column, which is allowed.
        if isinstance(value, dict):
            return {name: {} if said is None else said for name, said in value.items()}
        return {} if value is None else value

    @field_validator("synthesis", mode="before", json_schema_input_type=SynthesisSpec | None)
    @classmethod
    def _none_is_default(cls, value: object) -> object:
        return SynthesisSpec() if value is None else value


def _shown(value: object) -> str:
    """A setting in words; of masks that came from Python, and of documents in lists, only what they are."""
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_shown(one)}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value)) if len(value) <= _LISTED else f"{len(value)} of them"
    if isinstance(value, EstimandSpec):
        return value.name or value.kind
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, str | int):
        return str(value)
    return "a mask of cells"
