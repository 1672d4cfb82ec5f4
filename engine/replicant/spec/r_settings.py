"""The settings of mice and synthpop in one shape, checked against one another."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from replicant.errors import SpecError, nearest
from replicant.spec.r_files import as_grid, as_vector

__all__ = ["Settings", "near", "settings_of"]

# What is read, by package; then what says nothing about how sets are made.
_READ = {
    "mice": (
        *("method", "predictorMatrix", "visitSequence", "where", "blocks", "post", "m", "maxit", "seed", "nmis"),
        *("minbucket", "cp", "names"),
    ),
    "synthpop": (
        *("method", "predictor.matrix", "visit.sequence", "m", "k", "n", "proper", "seed", "minnumlevels", "rules"),
        *("cont.na", "semicont", "smoothing", "numtocat", "event", "denom", "strata", "cart.minbucket", "cart.cp"),
        "names",
    ),
}
_IDLE = {
    "mice": (
        *("call", "iteration", "version", "date", "chainMean", "chainVar", "loggedEvents", "lastSeedValue", "blots"),
        *("formulas", "ignore", "print", "printFlag"),
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
        The method of every column, as in R.
    predictors
        By column, the others with 1 where they predict it; None: as the package has it by default.
    visits
        Columns, a word, or None: from left to right.
    where
        By column, whether each cell is replaced; None: the package's default.
    replaced
        By column, how many cells are; None if that is not said.
    m, seed, k, proper, minbucket, cp
        As here; None where the package's default holds.
    missing_codes, spikes
        By column.
    notes
        What is said already of what has no counterpart.
    """

    package: str
    names: tuple[str, ...]
    method: dict[str, str]
    predictors: dict[str, dict[str, bool]] | None = None
    visits: list[str] | str | None = None
    where: dict[str, list[bool]] | None = None
    replaced: dict[str, int] | None = None
    m: int = 5
    seed: int | None = None
    k: int | None = None
    proper: bool = False
    minbucket: int | None = None
    cp: float | None = None
    missing_codes: dict[str, list[float]] = field(default_factory=dict)
    spikes: dict[str, list[float]] = field(default_factory=dict)
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


def near(word: str, known: Iterable[str]) -> str:
    """A word that is nearly a known one, with that one. Others are not repeated: a file may be a table by mistake."""
    hint = nearest(word, known)
    return f"{word[:60]!r}{hint}" if hint else "something else"


def _package(given: Mapping[str, Any]) -> Literal["mice", "synthpop"]:
    """Whose names these are, by those that one package alone has."""
    own = {who: set(_READ[who]) - set(_READ[other]) for who, other in (("mice", "synthpop"), ("synthpop", "mice"))}
    counts = {who: len(names & set(given)) for who, names in own.items()}
    return "synthpop" if counts["synthpop"] > counts["mice"] else "mice"


class _Reader:
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
        if made.where is not None:
            made.replaced = {name: sum(mask) for name, mask in made.where.items()}
        elif "nmis" in self.given:
            made.replaced = {name: _whole(count, f"nmis of {name!r}") for name, count in self.by_name("nmis").items()}
        made.m = self.whole("m", 5 if self.package == "mice" else 1) or 1
        made.seed = self.whole("seed", None)
        made.proper = bool(self.scalar("proper", False))
        prefix = "" if self.package == "mice" else "cart."
        made.minbucket = self.whole(f"{prefix}minbucket", None)
        made.cp = self.number(f"{prefix}cp")
        self.read_sizes(made)
        self.refuse_what_changes_cells(made)
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
            if key not in known:
                raise SpecError(
                    f"{key[:60]!r} is not a setting of {self.package}{nearest(key, known)}",
                    need=f"any of {', '.join(_READ[self.package])}",
                )

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

    def spread(self, by_block: Mapping[str, Any]) -> dict[str, Any]:
        """What is said of blocks, for their columns."""
        return {name: value for block, value in by_block.items() for name in self.blocks.get(block, [block])}

    def by_name(self, key: str) -> dict[str, Any]:
        """A vector by the names of columns."""
        vector = as_vector(self.given[key], key)
        if isinstance(vector, dict):
            vector = self.spread(vector)
            self.check_names(vector, key)
            return vector
        if len(vector) != len(self.names):
            raise SpecError(
                f"{key} has {len(vector)} values for {len(self.names)} columns", need="a value for each column"
            )
        return dict(zip(self.names, vector, strict=True))

    def check_names(self, named: Iterable[str], what: str) -> None:
        for name in named:
            if name not in self.names:
                raise SpecError(
                    f"{what} names something that is not a column: {near(name, self.names)}",
                    need=f"the columns {', '.join(self.names[:20])}{' ...' if len(self.names) > 20 else ''}",
                )

    # -------------------------------------------------------------- settings

    def read_method(self) -> dict[str, str]:
        default = "cart" if self.package == "synthpop" else "pmm"
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

    def read_matrix(self) -> dict[str, dict[str, bool]] | None:
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

    def predicts(self, cell: Any, row: str, name: str) -> bool:
        try:
            code = float(cell)
        except (TypeError, ValueError):
            code = math.nan
        if code not in {0.0, 1.0}:
            # Only codes that mice knows are repeated: whatever else stands there may be a cell of a table.
            what = f"{code:g}" if code in {-2.0, 2.0, 3.0, 4.0} else "another"
            where = f" in the row of {row!r}" if row in {*self.names, *self.blocks} else ""
            raise SpecError(
                f"{self.matrix_key}: the entry of {name!r}{where} is {what}",
                need="1 where a column predicts, 0 where it does not",
                fix="other codes (-2, 2, 3, 4) belong to models of rows in groups, which are not here",
            )
        return code == 1.0

    def read_visits(self) -> list[str] | str | None:
        key = self.visit_key
        if key not in self.given:
            return None
        value = as_vector(self.given[key], key)
        if isinstance(value, dict):  # synthpop: numbers of columns by their names, in the order of visits
            value = list(value) if set(value) <= set(self.names) else list(value.values())
        known = {*self.names, *self.blocks}
        if len(value) == 1 and isinstance(value[0], str) and value[0] not in known and not value[0].isdecimal():
            return value[0]
        order: list[str] = []
        for one in value:
            counted = isinstance(one, int | float) and not isinstance(one, bool) and float(one).is_integer()
            position = int(one) if counted or str(one).isdecimal() else None
            if position is None or str(one) in self.names:
                order += self.blocks.get(str(one), [str(one)])
            elif 1 <= position <= len(self.names):
                order.append(self.names[position - 1])
            else:
                raise SpecError(f"{key} names column {position} of {len(self.names)}", need="columns counted from 1")
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
        truth = {True: True, False: False, "TRUE": True, "FALSE": False, "true": True, "false": False}
        masks: dict[str, list[bool]] = {}
        for j, name in enumerate(columns):
            cells = [row[j] for row in grid.cells]
            if any(not isinstance(cell, (bool, int, str)) or cell not in truth for cell in cells):
                raise SpecError(
                    f"where has cells in column {name!r} that are not TRUE or FALSE", need="a logical matrix"
                )
            masks[name] = [truth[cell] for cell in cells]
        return masks

    def read_sizes(self, made: Settings) -> None:
        if self.package == "mice":
            if (self.whole("maxit", 1) or 1) > 1:
                made.notes.append("maxit: complete data are drawn once per column; there is no chain to iterate.")
            return
        k, n = self.whole("k", None), self.whole("n", None)
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
            made.notes.append("smoothing: there is none here; all drawn values are observed ones.")

    def refuse_what_changes_cells(self, made: Settings) -> None:
        """Settings that make cells others than a draw does; without them the sets would not be what was asked for."""
        post = [name for name, code in self.by_name("post").items() if code] if "post" in self.given else []
        if post:
            raise SpecError(
                f"post holds R code for {', '.join(post)}, which cannot be run here",
                need="settings without post",
                fix="what computes a column goes into `passive`; take post out and add that to the job",
            )
        for key, words in (
            ("rules", "values that rules fix: compute the column by `passive`, or synthesize by `strata`"),
            ("event", "censored times: give time and event as two columns"),
            ("denom", "counts out of a total: give the share, or both counts"),
        ):
            if self.lists(key) if key == "rules" else any(self.lists(key).values()):
                raise SpecError(f"{key} is set for {', '.join(self.lists(key))}", need="settings without it", fix=words)
        strata = self.given.get("strata")
        if strata:
            made.notes.append("strata: name the column in the job, synthesis.strata; the settings hold its cells.")

    # ------------------------------------------------------------------ values

    def lists(self, key: str) -> dict[str, list[Any]]:
        """Several values by column, or columns alone."""
        value = self.given.get(key)
        if isinstance(value, Mapping):
            found = {str(name): one if isinstance(one, list) else [one] for name, one in value.items()}
        else:
            found = {str(one): [] for one in (value if isinstance(value, list) else [value]) if not _absent(one)}
        found = {name: [one for one in values if not _absent(one)] for name, values in found.items()}
        self.check_names(found, key)
        return found

    def scalar(self, key: str, default: Any) -> Any:
        value = self.given.get(key, default)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        return default if _absent(value) or value == "sample" else value

    def whole(self, key: str, default: int | None) -> int | None:
        value = self.scalar(key, default)
        if value is None:
            return None
        return _whole(value, key)

    def number(self, key: str) -> float | None:
        value = self.scalar(key, None)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise SpecError(f"{key} is not a number", need="a number")
        return float(value)


def _whole(value: Any, what: str) -> int:
    """A count, from JSON or from CSV."""
    try:
        count = float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError):
        count = math.nan
    if not (count >= 0 and count.is_integer()):
        raise SpecError(f"{what} is not a whole number", need="a whole number")
    return int(count)


def _absent(value: Any) -> bool:
    """What R writes for nothing: NULL, NA, an empty text."""
    return value is None or (isinstance(value, str) and value in {"", "NA"})
