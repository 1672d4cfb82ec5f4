"""The settings of mice and synthpop in one shape, checked against one another."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from replicant.errors import SpecError, nearest
from replicant.spec.r_files import as_grid, as_vector
from replicant.spec.r_methods import ARGUMENTS, BY_DEFAULT, IDLE_ARGUMENTS, KNOWN
from replicant.spec.r_refused import events_of, refuse_what_changes_cells
from replicant.spec.r_values import Values, whole

__all__ = ["CLUSTER", "MEANS", "SLOPES", "Settings", "settings_of"]

CLUSTER = -2
"""In a predictor matrix of mice: the column of clusters."""

SLOPES = frozenset({2, 4})
"""Codes of predictors with a random slope."""

MEANS = frozenset({3, 4})
"""Codes of predictors whose means in clusters predict as well."""

_CODES = {0, 1, CLUSTER, *SLOPES, *MEANS}

# What is read, by package; then what says nothing about how sets are made.
_READ = {
    "mice": (
        *("method", "predictorMatrix", "visitSequence", "where", "blocks", "post", "m", "maxit", "seed", "nmis"),
        *("ignore", "blots", "defaultMethod", "iteration", *ARGUMENTS["mice"], *IDLE_ARGUMENTS["mice"]),
        *("levels", "names"),
    ),
    "synthpop": (
        *("method", "predictor.matrix", "visit.sequence", "m", "k", "n", "proper", "seed", "minnumlevels", "rules"),
        *("cont.na", "semicont", "smoothing", "numtocat", "event", "denom", "strata", "cart.minbucket", "cart.cp"),
        *(*ARGUMENTS["synthpop"], "levels", "names"),
    ),
}
_IDLE = {
    "mice": (
        *("call", "version", "date", "chainMean", "chainVar", "loggedEvents", "lastSeedValue"),
        *("formulas", "print", "printFlag"),
    ),
    "synthpop": (
        *(
            "call",
            "models",
            "rvalues",
            "maxfaclevels",
            "drop.not.used",
            "drop.pred.only",
            "default.method",
            "catgroups",
        ),
        *("print.flag", "obs.vars", "numtocat.lookup", "pred.not.syn", "minstratumsize"),
    ),
}
_TRUTH: dict[Any, bool] = {True: True, False: False, "TRUE": True, "FALSE": False, "true": True, "false": False}
_CELLS = {"mice": ("data", "imp"), "synthpop": ("syn", "data")}


@dataclass
class Settings:
    """How sets are made, by the names of the table's columns.

    Attributes
    ----------
    package
        `mice` or `synthpop`.
    names
        Columns, in the order of the table.
    method
        The method of every column, as in R; None: by kind, as mice has it by default.
    options
        By our method, options that R's call gives to all columns with it.
    own_options
        By column, arguments of its method by their names in R.
    predictors
        By column, the others with their codes; None: as the package has it by default.
    visits
        Columns, a word, or None: from left to right.
    where
        By column, whether each cell is replaced; None: the package's default.
    replaced
        By column, how many cells are; None if that is not said.
    missing
        By column, how many cells are missing; None if that is not said.
    ignore
        Rows that are imputed and not fitted on; None: none.
    events
        By column of a time, the column that says whether it ended by an event.
    m, maxit, seed, k, proper, minbucket, cp
        As here; None where the package's default holds.
    missing_codes, spikes
        By column.
    levels
        Of ordered columns, from the lowest to the highest.
    notes
        What is said already of what has no counterpart.
    """

    package: str
    names: tuple[str, ...]
    method: dict[str, str] | None
    options: dict[str, dict[str, Any]] = field(default_factory=dict)
    own_options: dict[str, dict[str, Any]] = field(default_factory=dict)
    predictors: dict[str, dict[str, int]] | None = None
    visits: list[str] | str | None = None
    where: dict[str, list[bool]] | None = None
    replaced: dict[str, int] | None = None
    missing: dict[str, int] | None = None
    ignore: list[bool] | None = None
    events: dict[str, str] = field(default_factory=dict)
    m: int = 5
    maxit: int | None = None
    seed: int | None = None
    k: int | None = None
    proper: bool = False
    minbucket: int | None = None
    cp: float | None = None
    missing_codes: dict[str, list[float]] = field(default_factory=dict)
    spikes: dict[str, list[float]] = field(default_factory=dict)
    levels: dict[str, list[Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def settings_of(
    given: Mapping[str, Any], package: Literal["mice", "synthpop"] | None = None, columns: Sequence[str] | None = None
) -> Settings:
    """Read settings.

    Parameters
    ----------
    given, package, columns
        As for `convert`.

    Raises
    ------
    SpecError
        For a name that the package does not have, settings that contradict one another, and settings that
        cannot be ignored without changing the sets.
    """
    return _Reader(given, package or _package(given), columns).read()


def _package(given: Mapping[str, Any]) -> Literal["mice", "synthpop"]:
    """Whose names these are, by those that one package alone has."""
    own = {who: set(_READ[who]) - set(_READ[other]) for who, other in (("mice", "synthpop"), ("synthpop", "mice"))}
    counts = {who: len(names & set(given)) for who, names in own.items()}
    return "synthpop" if counts["synthpop"] > counts["mice"] else "mice"


class _Reader(Values):
    def __init__(self, given: Mapping[str, Any], package: Literal["mice", "synthpop"], columns: Any) -> None:
        self.package = package
        mice = package == "mice"
        self.matrix_key = "predictorMatrix" if mice else "predictor.matrix"
        self.visit_key = "visitSequence" if mice else "visit.sequence"
        self.given = {key: value for key, value in given.items() if value is not None and value not in ({}, [])}
        self.check_keys(given)
        self.blocks = self.read_blocks()
        self.names = self.read_names(columns)

    def read(self) -> Settings:
        made = Settings(self.package, self.names, self.read_method())
        made.predictors = self.read_matrix()
        made.visits = self.read_visits()
        made.where = self.read_where()
        if "nmis" in self.given:
            made.missing = {name: whole(count, f"nmis of {name!r}") for name, count in self.by_name("nmis").items()}
        made.replaced = made.missing
        if made.where is not None:
            made.replaced = {name: sum(mask) for name, mask in made.where.items()}
        made.m = self.count("m", 5 if self.package == "mice" else 1) or 1
        made.seed = self.count("seed", None)
        made.proper = bool(self.scalar("proper", False))
        prefix = "" if self.package == "mice" else "cart."
        made.minbucket = self.count(f"{prefix}minbucket", None)
        made.cp = self.number(f"{prefix}cp")
        made.levels = {name: levels for name, levels in self.lists("levels").items() if len(levels) > 1}
        self.read_arguments(made)
        self.read_chains(made) if self.package == "mice" else self.read_sizes(made)
        refuse_what_changes_cells(self)
        if self.package == "synthpop":
            made.events = events_of(self, made.method or {})
            if self.given.get("strata"):
                made.notes.append("strata: name the column in the job, synthesis.strata; the settings hold its cells.")
        return made

    # ------------------------------------------------------------------ keys and names

    def check_keys(self, given: Mapping[str, Any]) -> None:
        known = (*_READ[self.package], *_IDLE[self.package])
        for key in given:
            if key in _CELLS[self.package]:
                raise SpecError(
                    f"the settings hold {key!r}, which is made of cells of the data",
                    need=f"settings alone: {', '.join(_READ[self.package][:4])}",
                    fix=f"in R: toJSON(list(method = as.list(x$method), {self.matrix_key} = as.data.frame("
                    f"x${self.matrix_key}), {self.visit_key} = x${self.visit_key}))",
                )
            if key not in known and not (self.package == "synthpop" and self.belongs_to_a_method(key)):
                raise SpecError(
                    f"{key[:60]!r} is not a setting of {self.package}{nearest(key, known)}",
                    need=f"any of {', '.join(_READ[self.package])}",
                )

    def belongs_to_a_method(self, key: str) -> bool:
        """Whether an argument is one of a method of synthpop, such as `polyreg.maxit`."""
        return any(key.startswith(f"{method}.") for method in KNOWN["synthpop"])

    def read_blocks(self) -> dict[str, list[str]]:
        """Columns by block; a block of one column may be left out."""
        value = self.given.get("blocks", {})
        if not isinstance(value, Mapping):
            raise SpecError("blocks have no names", need="a list of blocks, each with its name and its columns")
        return {
            str(name): [str(one) for one in (members if isinstance(members, list) else [members])]
            for name, members in value.items()
        }

    def read_names(self, columns: Sequence[str] | None) -> tuple[str, ...]:
        """The columns of the table: as given, or as the settings name them."""
        if columns is not None:
            return tuple(columns)
        if "names" in self.given:
            return tuple(map(str, cast(Iterable[Any], as_vector(self.given["names"], "names"))))
        if self.matrix_key in self.given:
            grid = as_grid(self.given[self.matrix_key], self.matrix_key)
            if grid.columns is not None:
                return tuple(grid.columns)
        for key in ("method", "nmis"):
            if key in self.given:
                vector = as_vector(self.given[key], key)
                if isinstance(vector, dict):
                    return tuple(self.spread(vector))
        if "where" in self.given:
            named = as_grid(self.given["where"], "where").columns
            if named is not None:
                return tuple(named)
        raise SpecError(
            "the settings do not say what the columns are called",
            need="names: toJSON leaves those of matrices and vectors out",
            fix="in R: toJSON(list(method = as.list(x$method), ...)), or give the table by --data",
        )

    # -------------------------------------------------------------- settings

    def read_method(self) -> dict[str, str] | None:
        default: Any = "cart" if self.package == "synthpop" else self.one_default_method()
        if default is None and "method" not in self.given:
            return None
        value = as_vector(self.given.get("method", default), "method")
        if isinstance(value, list) and len(value) == 1:
            value = value * len(self.names)
        self.given["method"] = value
        found = {name: "" if one is None or one == "NA" else one for name, one in self.by_name("method").items()}
        for name, one in found.items():
            if not isinstance(one, str):
                raise SpecError(
                    f"the method of {name!r} is not a text", need="the name of a method, or a passive formula"
                )
        return {name: str(found.get(name, "")) for name in self.names}

    def read_matrix(self) -> dict[str, dict[str, int]] | None:
        key = self.matrix_key
        if key not in self.given:
            return None
        grid = as_grid(self.given[key], key)
        columns = grid.columns or list(self.names)
        if len(grid.cells[0]) != len(columns):
            raise SpecError(
                f"{key} has {len(grid.cells[0])} columns for a table of {len(columns)}", need="one for each column"
            )
        rows = grid.rows or (list(self.blocks) if len(self.blocks) == len(grid.cells) else columns)
        if len(grid.cells) != len(rows):
            raise SpecError(
                f"{key} has {len(grid.cells)} rows and {len(columns)} columns",
                need="a row for each column that is predicted, and row names if it is not square",
            )
        self.check_names(columns, key)
        read = {
            row: {name: self.predicts(cell, row, name) for name, cell in zip(columns, cells, strict=True)}
            for row, cells in zip(rows, grid.cells, strict=True)
        }
        spread = self.spread(read)
        self.check_names(spread, f"{key} (its rows)")
        return spread

    def predicts(self, cell: Any, row: str, name: str) -> int:
        try:
            code = float(cell)
        except (TypeError, ValueError):
            code = math.nan
        if code not in (_CODES if self.package == "mice" else {0, 1}):
            # Only codes that mice knows are repeated: whatever else stands there may be a cell of a table.
            what = f"{code:g}" if code in _CODES else "another"
            where = f" in the row of {row!r}" if row in {*self.names, *self.blocks} else ""
            raise SpecError(
                f"{self.matrix_key}: the entry of {name!r}{where} is {what}",
                need="1 where a column predicts, 0 where it does not",
                fix="of mice also -2 (cluster), 2 (random slope), 3 and 4 (their means in clusters)",
            )
        return int(code)

    def read_visits(self) -> list[str] | str | None:
        key = self.visit_key
        if key not in self.given:
            return None
        value = as_vector(self.given[key], key)
        if isinstance(value, dict):  # synthpop: numbers of columns by their names, in the order of visits
            value = list(value) if set(value) <= set(self.names) else list(value.values())
        known = {*self.names, *self.blocks}
        counted_blocks = list(self.blocks.values())
        if sorted(name for members in counted_blocks for name in members) != sorted(self.names):
            counted_blocks = [[name] for name in self.names]
        if len(value) == 1 and isinstance(value[0], str) and value[0] not in known and not value[0].isdecimal():
            return value[0]
        order: list[str] = []
        for one in value:
            counted = isinstance(one, int | float) and not isinstance(one, bool) and float(one).is_integer()
            position = int(one) if counted or str(one).isdecimal() else None
            if position is None or str(one) in self.names:
                order += self.blocks.get(str(one), [str(one)])
            elif 1 <= position <= len(counted_blocks):
                order += counted_blocks[position - 1]
            else:
                raise SpecError(
                    f"{key} names column {position} of {len(counted_blocks)}", need="columns counted from 1"
                )
        self.check_names(order, key)
        return order

    def read_where(self) -> dict[str, list[bool]] | None:
        if "where" not in self.given:
            return None
        grid = as_grid(self.given["where"], "where")
        columns = grid.columns or list(self.names)
        if len(columns) != len(grid.cells[0]):
            raise SpecError(
                f"where has {len(grid.cells[0])} columns for a table of {len(columns)}", need="one for each column"
            )
        self.check_names(columns, "where")
        masks: dict[str, list[bool]] = {}
        for j, name in enumerate(columns):
            cells = [row[j] for row in grid.cells]
            if any(not isinstance(cell, (bool, int, str)) or cell not in _TRUTH for cell in cells):
                raise SpecError(
                    f"where has cells in column {name!r} that are not TRUE or FALSE", need="a logical matrix"
                )
            masks[name] = [_TRUTH[cell] for cell in cells]
        return masks

    def one_default_method(self) -> str | None:
        """The one method of mice's `defaultMethod`, where it names one for all kinds."""
        words = as_vector(self.given.get("defaultMethod", list(BY_DEFAULT)), "defaultMethod")
        if isinstance(words, list) and len(set(map(str, words))) == 1 and len(words) in (1, 4):
            return str(words[0])
        return None

    def read_chains(self, made: Settings) -> None:
        """What mice's chains have beside."""
        maxit, iteration = self.count("maxit", None), self.count("iteration", None)
        made.maxit = maxit or iteration or None
        if maxit == 0 and not iteration:
            made.notes.append("maxit: 0 iterations leave the starting values; the job has 5, the default of mice.")
        if "ignore" in self.given:
            rows = as_vector(self.given["ignore"], "ignore")
            if isinstance(rows, dict) or any(cell not in _TRUTH for cell in rows if isinstance(cell, bool | str)):
                raise SpecError("ignore is not a logical vector", need="TRUE or FALSE for each row")
            if not all(isinstance(cell, bool | str) for cell in rows):
                raise SpecError("ignore holds something other than TRUE or FALSE", need="TRUE or FALSE for each row")
            mask = [_TRUTH[cell] for cell in rows]
            made.ignore = mask if any(mask) else None
        words = as_vector(self.given.get("defaultMethod", list(BY_DEFAULT)), "defaultMethod")
        if made.method is None and tuple(words) != BY_DEFAULT:
            made.notes.append(
                "defaultMethod: methods by kind are those of mice here (pmm, logreg, polyreg, polr); name others by "
                "column: method: {NAME: norm}."
            )

    def read_arguments(self, made: Settings) -> None:
        """Arguments of methods, for all columns that have these, and of single columns (`blots` of mice)."""
        known = ARGUMENTS[self.package]
        for key, options in known.items():
            if (value := self.number(key)) is None:
                continue
            for method, option in options.items():
                made.options.setdefault(method, {})[option] = int(value) if value.is_integer() else value
        own = self.given.get("blots", {})
        if not isinstance(own, Mapping):
            own = {}
        for name, arguments in self.spread(own).items():
            if isinstance(arguments, Mapping) and arguments:
                self.check_names([name], "blots")
                made.own_options[name] = {str(key): value for key, value in arguments.items()}
        idle = [key for key in self.given if key in IDLE_ARGUMENTS[self.package]]
        if self.package == "synthpop":
            read = {*known, *_READ["synthpop"]}
            idle = [key for key in self.given if key not in read and self.belongs_to_a_method(key)]
        if idle:
            made.notes.append(
                f"{', '.join(idle)}: without a counterpart. Collinear predictors, separation and ridges are dealt with "
                "by the methods themselves, each with an event."
            )

    def read_sizes(self, made: Settings) -> None:
        k, n = self.count("k", None), self.count("n", None)
        made.k = k if k != n else None
        for key, store in (("cont.na", made.missing_codes), ("semicont", made.spikes)):
            for name, values in self.lists(key).items():
                codes = [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
                if codes:
                    store[name] = codes
        least = self.scalar("minnumlevels", 1)  # -1 is the default
        if isinstance(least, (int, float)) and least > 1:
            made.notes.append(
                f"minnumlevels = {least:g}: numbers of so few values became factors in synthpop; here they stay "
                "numbers unless `columns` says otherwise: {NAME: {kind: nominal}}."
            )
        if self.lists("numtocat"):
            made.notes.append("numtocat: numbers are not cut into groups here; trees cut them where it matters.")
        smoothed = self.given.get("smoothing")
        if smoothed and smoothed != [""]:
            made.notes.append("smoothing: drawn values are observed ones unless `smoothing: kernel` is added.")
