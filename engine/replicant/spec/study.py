"""What a study asks for: replicates, variants of the synthesis, estimands, and published figures to lie beside."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, WithJsonSchema, field_validator, model_validator

from replicant.spec.document import Document, Location, Names, Number, Whole, given

__all__ = ["KINDS", "AmputeSpec", "DisclosedSpec", "EstimandSpec", "PublishedSpec", "StudySpec"]

KINDS = (
    *("describe", "correlation", "model", "discriminate", "means", "counts", "densities", "copies"),
    *("utility", "disclosure"),
)
"""Keys of which an estimand has exactly one; they say what it is."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_Named = Annotated[str | None, Field(json_schema_extra={"pattern": f"^{_NAME.pattern}$"})]

_COLUMNS = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2}
_OneOrTwo = Annotated[Names, WithJsonSchema({"anyOf": [{"type": "string"}, _COLUMNS]})]


class PublishedSpec(Document):
    """Figures that others published, from a CSV file, beside ours.

    Attributes
    ----------
    source
        Whose they are.
    arm
        The variant, or `sample`, that they are compared with.
    file
        A CSV file in the study's `reference` folder.
    term
        The term a row is about, from the file's columns: `"{a}, {b}"`.
    terms
        Other names for terms: what `term` gives, and the study's own term.
    fields
        For a field of ours, such as `bias`, the file's column, and the column of its Monte-Carlo standard error.
    scores
        Whether they are compared with the scores of a discrimination instead of its coefficients.
    """

    source: str
    arm: str
    file: str
    term: str = "{term}"
    terms: dict[str, str] = Field(default_factory=dict)
    fields: dict[str, _OneOrTwo]
    scores: bool = False

    @field_validator("fields")
    @classmethod
    def _one_or_two(cls, value: dict[str, list[str]]) -> dict[str, list[str]]:
        if any(len(columns) not in {1, 2} for columns in value.values()):
            raise ValueError("for each field one column, or two: the figure and its Monte-Carlo standard error")
        return value


class DisclosedSpec(Document):
    """Measures of disclosure.

    Attributes
    ----------
    measures
        Their names, as `rp.disclosure` has them.
    keys
        Columns that an intruder knows of a person.
    targets
        Columns that an intruder wants to learn.
    """

    measures: Names
    keys: Names = Field(default_factory=list)
    targets: Names = Field(default_factory=list)


_SCORED: Any = {
    "required": ["published"],
    "properties": {"published": {"contains": {"required": ["scores"], "properties": {"scores": {"const": True}}}}},
}
"""For JSON Schema: published figures that are compared with scores."""


_DESIGN = ("weights", "weight_kind", "strata", "clusters", "fpc", "nest", "lonely_psu", "cov", "cluster")


class EstimandSpec(Document):
    """One thing to estimate on each bootstrap sample and its synthetic sets. Exactly one of the keys in `KINDS`.

    Attributes
    ----------
    name, title
        Name and title of its table.
    describe
        Columns: mean, sd, median, min, max, skew, kurtosis (levels by their codes from 1, as psych does).
    correlation
        Columns whose correlations are estimated, and pooled by Fisher's z.
    model, formula
        As in `analyse`: `ols`, `polr`, ..., or from Python a function of a frame.
    weights, weight_kind, strata, clusters, fpc, nest, lonely_psu, cov, cluster
        For a model, as in `analyse`: weights and the design of the sample; robust or clustered standard errors.
    discriminate
        `all`, or a one-sided formula: real against synthetic rows by a logistic model.
    scores, scores_title
        Name of the table of a discrimination's scores: confusion, area under the curve, pMSE.
    against
        What `discriminate` takes for real rows: the `original` data, as the paper does, or the bootstrap `sample`.
    means, counts
        Columns whose means, or counts of levels, are kept for every replicate: sampling distributions.
    densities
        Columns whose distribution is drawn, real against synthetic.
    copies
        `true`, or columns: the share of cells equal to those of the paired row.
    utility
        Measures of `rp.utility`: between the synthetic sets, or the sample, and the rows that the sample left out.
    disclosure
        Measures of `rp.disclosure`, or a mapping of `measures`, `keys` and `targets`: what the sets tell of the rows
        of the sample, beside what they tell of those that it left out.
    rule
        The pooling rule; `auto` takes the one that is valid for the variant.
    published
        Figures of others to lie beside.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [given(kind) for kind in KINDS],
            "allOf": [
                {"anyOf": [given("model", "formula"), {"not": {"anyOf": [given("model"), given("formula")]}}]},
                {"anyOf": [given("model"), {"not": {"anyOf": [given(key) for key in _DESIGN]}}]},
                {
                    "anyOf": [
                        given("discriminate"),
                        {"not": {"anyOf": [given("scores"), given("scores_title"), _SCORED]}},
                    ]
                },
            ],
        }
    )

    name: _Named = None
    title: str | None = None
    describe: Names | None = None
    correlation: Names | None = None
    model: Annotated[Any, WithJsonSchema({"type": ["string", "null"]})] = None
    formula: str | None = None
    weights: str | None = None
    weight_kind: Literal["survey", "frequency"] | None = None
    strata: str | None = None
    clusters: str | None = None
    fpc: str | None = None
    nest: bool | None = None
    lonely_psu: Literal["fail", "adjust", "average", "certainty"] | None = None
    cov: Literal["HC0", "HC1", "HC2", "HC3"] | None = None
    cluster: str | None = None
    discriminate: str | None = None
    scores: _Named = None
    scores_title: str | None = None
    against: Literal["original", "sample"] = "original"
    means: Names | None = None
    counts: Names | None = None
    densities: Names | None = None
    copies: Literal[True] | Names | None = None
    utility: Names | None = None
    disclosure: DisclosedSpec | None = None
    rule: str = "auto"
    published: list[PublishedSpec] = Field(default_factory=list)

    @property
    def kind(self) -> str:
        """Which of `KINDS` it is."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def design(self) -> dict[str, Any]:
        """What is said of the rows, as an estimator takes it."""
        return {key: value for key in _DESIGN if (value := getattr(self, key)) is not None}

    @field_validator("name", "scores")
    @classmethod
    def _is_a_name(cls, value: str | None) -> str | None:
        if value is not None and not _NAME.fullmatch(value):
            raise ValueError("a name of letters, digits, - and _, beginning with a letter")
        return value

    @field_validator("disclosure", mode="before", json_schema_input_type=DisclosedSpec | Names | None)
    @classmethod
    def _measures_alone(cls, value: object) -> object:
        return {"measures": value} if isinstance(value, str | list | tuple) else value

    @field_validator("model")
    @classmethod
    def _is_a_model(cls, value: object) -> object:
        if value is None or isinstance(value, str) or callable(value):
            return value
        raise ValueError("the name of a model, or from Python a function of a frame")

    @model_validator(mode="after")
    def _one_kind(self) -> EstimandSpec:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(f"exactly one of {', '.join(KINDS)}")
        if (self.formula is not None) != isinstance(self.model, str):
            raise ValueError("a formula with each named model, and only there")
        if self.design and self.model is None:
            raise ValueError(f"{next(iter(self.design))} with a model only")
        if (self.scores is not None or self.scores_title is not None) and given != ["discriminate"]:
            raise ValueError("scores with discriminate only")
        if any(one.scores for one in self.published) and given != ["discriminate"]:
            raise ValueError("published scores with discriminate only")
        return self


class AmputeSpec(Document):
    """Cells of each bootstrap sample that are made missing, of data that are complete: what is recovered of them?

    Attributes
    ----------
    share
        Share of the rows that lose cells.
    mechanism
        `MCAR`, `MAR` or `MNAR`: whether it depends on nothing, on columns that stay observed, or on what goes missing.
    columns
        Columns that may go missing, each by itself. None: all.
    pattern
        Instead: columns that go missing together, a list for each pattern.
    weights
        Of columns in the score that decides; None: 1 for each that the mechanism looks at.
    tail
        Which scores are likely to be incomplete.
    """

    share: Annotated[Number, Field(ge=0, le=1)] = 0.5
    mechanism: Literal["MCAR", "MAR", "MNAR"] = "MAR"
    columns: Names | None = None
    pattern: list[Names] | None = None
    weights: dict[str, Number] | None = None
    tail: Literal["right", "left", "mid", "tail"] = "right"


class StudySpec(Document):
    """A simulation with bootstrap samples of the data themselves: are inferences from this synthesis valid?

    Attributes
    ----------
    title, note
        Title and note of the report.
    replicates
        Number of bootstrap samples.
    samples
        A CSV file with the samples, one line each: its number, then a row number, from 1, for every row of the table.
        None: drawn.
    sampling
        How they are drawn: `bootstrap` samples; or `halves` of the rows, each row once, for figures of utility and
        disclosure: of rows that a sample has several times, more comes back.
    ampute
        Cells that each sample loses before it is synthesized; the truth is that of the complete data.
    variants
        Names with the settings of `synthesis` in which they differ from it. None: the synthesis as it is.
    estimands
        What is estimated. None: correlations, discrimination, densities and copies, as far as the columns allow.
    level
        Confidence level of the intervals.
    reference
        Folder of the files with published figures. Where it is absent the tables stand alone, which is said.
    """

    title: str | None = None
    note: str | None = None
    replicates: Annotated[Whole, Field(ge=2, le=1_000_000)] = 1000
    samples: Location | None = None
    sampling: Literal["bootstrap", "halves"] = "bootstrap"
    ampute: AmputeSpec | None = None
    variants: dict[str, dict[str, Any]] = Field(default_factory=dict)
    estimands: list[EstimandSpec] = Field(default_factory=list)
    level: Annotated[Number, Field(gt=0, lt=1)] = 0.95
    reference: Location | None = None

    @model_validator(mode="after")
    def _one_way_to_sample(self) -> StudySpec:
        if self.samples is not None and self.sampling != "bootstrap":
            raise ValueError("sampling without samples only: these are given")
        return self

    @field_validator("variants", mode="before", json_schema_input_type=dict[str, dict[str, Any] | None] | None)
    @classmethod
    def _none_is_empty(cls, value: object) -> object:
        if isinstance(value, dict):
            return {name: {} if said is None else said for name, said in value.items()}
        return {} if value is None else value

    @field_validator("variants")
    @classmethod
    def _valid_names(cls, value: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for name in value:
            if not _NAME.fullmatch(name) or name == "sample":
                raise ValueError("names of variants are letters, digits, - and _, and not `sample`")
        return value
