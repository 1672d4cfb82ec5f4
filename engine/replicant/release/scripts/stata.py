"""`analyse.do`: Stata 16 or later reads the CSV sets of a release into one dataset and pools any estimation command.

Written to Stata's manuals and not run: there is no Stata among our tools.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from string import ascii_lowercase
from typing import Any

from replicant.release.csv import SheetColumn
from replicant.release.forms import Form
from replicant.release.scripts.facts import Facts
from replicant.storage.folder import COPIES

__all__ = ["RULES", "script", "valid_names"]


def _df(between: str, within: str = "", dfcom: str = "") -> str:
    """Degrees of freedom of a sum of two variances: one known from m sets, one from dfcom residual ones."""
    known = f" + cond(missing({dfcom}), 0, ({within})^2 / {dfcom})" if dfcom else ""
    return f"""
scalar `spread' = ({between})^2 / (@M@ - 1){known}
scalar `df' = cond(`spread' > 0, `total'^2 / `spread', .)"""


RULES = {
    "rubin1987": """\
* Rubin (1987), with the degrees of freedom of Barnard and Rubin (1999)
scalar `total' = `ubar' + (1 + 1/@M@) * `b'
scalar `share' = max(cond(`total' > 0, (1 + 1/@M@) * `b' / `total', 0), 1e-4)
scalar `inverse' = cond(missing(`dfcom'), 0, 1/`dfcom')
scalar `observed' = (1 + 3*`inverse') * `inverse' / ((1 + `inverse') * max(1 - `share', 1e-300))
scalar `df' = 1 / (`share'^2 / (@M@ - 1) + `observed')""",
    "reiter2003": """\
* Reiter (2003): T = ubar + b/m
scalar `total' = `ubar' + `b'/@M@"""
    + _df("`b'/@M@", "`ubar'", "`dfcom'"),
    "raghunathan2003": """\
* Raghunathan, Reiter and Rubin (2003): T = (1 + 1/m) b - ubar; where negative, (k/n) ubar, which is too large
scalar `total' = (1 + 1/@M@) * `b' - `ubar'
scalar `df' = cond(`total' > 0, (@M@ - 1) * (1 - `ubar' / ((1 + 1/@M@) * `b'))^2, .)
scalar `total' = cond(`total' > 0, `total', @K@/@N@ * `ubar')""",
    "raab2016_simple": """\
* Raab, Nowok and Dibben (2016), fitted parameters: T = ubar (k/n + 1/m)
scalar `total' = `ubar' * (@K@/@N@ + 1/@M@)
scalar `df' = .""",
    "raab2016_proper": """\
* Raab, Nowok and Dibben (2016), drawn parameters: T = ubar (k/n + (1 + k/n)/m)
scalar `total' = `ubar' * (@K@/@N@ + (1 + @K@/@N@)/@M@)
scalar `df' = .""",
    "raab2016_partial": """\
* Raab, Nowok and Dibben (2016), any number of rows: T = ubar k/n + b/m
scalar `total' = `ubar' * @K@/@N@ + `b'/@M@"""
    + _df("`b'/@M@"),
    "census": """\
* Only where the real rows are the whole population: T = b/m
scalar `total' = `b'/@M@"""
    + _df("`b'/@M@"),
    "one_step": """\
* Imputed and synthesized in one chain
scalar `share' = (1 + 1/@M@) * `b'
scalar `total' = @TOTAL@
scalar `df' = cond(@M@ == 2, 2, cond(`share' > 0, (@M@ - 1) * (`total' / `share')^2, .))""",
}

_ONE_STEP = {True: "max(`ubar' + `b'/@M@, `share')", False: "`ubar' + `share'"}

_HEAD = """\
* @SETS@ of @K@ rows, made from @N@ real ones by Replicant @VERSION@.
*
*     cd release
*     do _scripts/analyse.do               // one dataset of all sets; the variable @SET@ counts them
*     pool_syn regress y x i.z             // a command on every set, pooled by the rule that holds for these sets
@OTHER@*
* Stata 16 or later. Write your analysis in a file of your own: a release with a changed file is no longer whole.
"""

_READ = """
version 16
set varabbrev off

* ---- Reading ---------------------------------------------------------------------------------------------------------

* As text first; the line of names is a row like any other, so that no name is changed.
local parts 0
forvalues i = 1/@M@ {
    local number : display %0@WIDTH@.0f `i'
    foreach part in @PARTS@ {
        import delimited using "@FOLDER@/imputation=`number'/part-`part'.csv", clear varnames(nonames) ///
            delimiters(",") stringcols(_all) bindquote(strict) maxquotedrows(unlimited) encoding("UTF-8")
        quietly drop in 1
        quietly generate int @SET@ = `i'
        local ++parts
        tempfile part`parts'
        quietly save `"`part`parts''"'
    }
}
clear
forvalues j = 1/`parts' {
    quietly append using `"`part`j''"'
}

* Levels are numbered in their order.
@COLUMNS@
drop @RAW@
quietly compress

@LABELS@
"""

_POOL = """
* ---- Pooling ---------------------------------------------------------------------------------------------------------

* ubar: mean of the m variances; b: variance of the m estimates; total: variance of the mean. df missing: infinite.
* Leaves the table in r(pooled): estimate, std_error, statistic, df, p_value, conf_low, conf_high.
capture program drop pool_syn
program define pool_syn, rclass
    version 16
    local rules @NAMES@
    gettoken rule command : 0
    if !`: list rule in rules' {
        local rule : word 1 of `rules'
        local command `"`0'"'
    }
    display as text "Pooled by `rule', m = @M@"
    local dfcom .
    forvalues i = 1/@M@ {
        preserve
        quietly keep if @SET@ == `i'
        quietly `command'
        tempname q`i' u`i'
        matrix `q`i'' = e(b)
        matrix `u`i'' = e(V)
        local rest = e(df_r)
        if missing(`rest') {
            local rest = e(N) - e(rank)
        }
        local dfcom = min(`dfcom', `rest')
        local terms`i' : colfullnames `q`i''
        restore
        if `"`terms`i''"' != `"`terms1'"' {
            display as error "set `i' gives other terms than set 1: a level does not occur, or a term is collinear"
            exit 459
        }
    }
    tempname table estimate ubar b total df error statistic p reach spread share inverse observed
    local names
    local columns = colsof(`q1')
    forvalues j = 1/`columns' {
        scalar `estimate' = 0
        scalar `ubar' = 0
        scalar `b' = 0
        local fixed 0
        forvalues i = 1/@M@ {
            scalar `estimate' = `estimate' + `q`i''[1, `j'] / @M@
            scalar `ubar' = `ubar' + `u`i''[`j', `j'] / @M@
            local fixed = `fixed' | `u`i''[`j', `j'] == 0
        }
        forvalues i = 1/@M@ {
            scalar `b' = `b' + (`q`i''[1, `j'] - `estimate')^2 / @BELOW@
        }
        if !`fixed' {
@RULES@
            scalar `error' = sqrt(`total')
            scalar `statistic' = `estimate' / `error'
            if missing(`df') {
                scalar `p' = 2 * normal(-abs(`statistic'))
                scalar `reach' = invnormal((100 + c(level)) / 200) * `error'
            }
            else {
                scalar `p' = 2 * ttail(`df', abs(`statistic'))
                scalar `reach' = invttail(`df', (100 - c(level)) / 200) * `error'
            }
            matrix `table' = nullmat(`table') \\ (`estimate', `error', `statistic', `df', `p', ///
                `estimate' - `reach', `estimate' + `reach')
            local term : word `j' of `terms1'
            local names `names' `term'
        }
    }
    matrix colnames `table' = estimate std_error statistic df p_value conf_low conf_high
    matrix rownames `table' = `names'
    matrix list `table', noheader
    return matrix pooled = `table'
    return local rule `rule'
end
"""

_NO_POOL = """
capture program drop pool_syn
program define pool_syn
    display as error "No rule holds for these sets: see the remarks in analyse.do"
    exit 459
end
"""

# Names that Stata keeps for itself, and v1, v2, ... that the columns of a file without names get.
_RESERVED = frozenset({"_all", "_b", "_coef", "_cons", "_n", "_N", "_pi", "_pred", "_rc", "_skip"})
_RESERVED |= {"byte", "double", "float", "if", "in", "int", "long", "str", "strL", "using", "with"}
_TAKEN = re.compile(r"(v|str)\d+")
_LONGEST = 32
_LONGEST_VARIABLE_LABEL = 80
_INTEGERS = ((100, "byte"), (32_740, "int"))


def script(facts: Facts) -> str:
    """The text of `analyse.do`."""
    columns = facts.sheet.columns
    set_name, *names = valid_names(["imputation", *(column.name for column in columns)])
    last = len(columns)
    fill = {
        "SETS": "1 synthetic set" if facts.m == 1 else f"{facts.m} synthetic sets",
        "M": f"{facts.m}",
        "BELOW": f"{max(1, facts.m - 1)}",
        "N": f"{facts.n}",
        "K": f"{facts.k}",
        "VERSION": facts.version,
        "SET": set_name,
        "FOLDER": f"{COPIES}/csv",
        "WIDTH": f"{facts.width}",
        "PARTS": " ".join(map(str, facts.partitions)),
        "RAW": f"v1-v{last}" if last > 1 else "v1",
        "COLUMNS": "\n".join(
            line
            for at, (name, column) in enumerate(zip(names, columns, strict=True), 1)
            for line in _column(name, f"v{at}", column, facts.sheet.missing)
        ),
        "LABELS": "\n".join(
            line for name, column in zip(names, columns, strict=True) for line in _labels(name, column)
        ),
        "NAMES": " ".join(facts.advice.rules),
        "RULES": "",
        "OTHER": "",
    }
    if facts.advice.rules[1:]:
        example = f"pool_syn {facts.advice.rules[1]} regress y x i.z"
        fill["OTHER"] = f"*     {example:<36} // by another rule that holds\n"
    fill["RULES"] = _filled("\n".join(_rules(facts)), fill)
    pool = _POOL if facts.advice.rules else _NO_POOL
    return _filled(_HEAD, fill) + _remarks(facts) + _filled(_READ, fill) + _filled(pool, fill)


def valid_names(names: Iterable[str], longest: int = _LONGEST) -> list[str]:
    """Names of variables for columns: letters of ASCII, digits and underscores, 32 or fewer, each once.

    Stata's variables begin with a letter; what may not stand in a name becomes an underscore.
    """
    taken: set[str] = set()
    out = []
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_]", "_", name) or "_"
        if not plain[0].isalpha():
            plain = f"x{plain}"
        plain = plain[:longest]
        if plain in _RESERVED or _TAKEN.fullmatch(plain):
            plain += "_"
        number = 1
        valid = plain
        while valid in taken:
            number += 1
            valid = f"{plain[: longest - len(str(number)) - 1]}_{number}"
        taken.add(valid)
        out.append(valid)
    return out


def _filled(text: str, fill: dict[str, str]) -> str:
    """Every mark replaced, once: a level may look like a mark."""
    return re.sub(r"@([A-Z]+)@", lambda found: fill[found[1]], text)


def _remarks(facts: Facts) -> str:
    advice = facts.advice
    lines = [f"Rule: {advice.rules[0]}, since {advice.why}." if advice.rules else advice.why]
    if len(advice.rules) > 1:
        lines.append(f"These hold too: {', '.join(advice.rules[1:])}.")
    if advice.columns is not None:
        lines.append("It holds for models of columns that are synthesized in every row, and of no others.")
    lines.append(f"Missing cells: {facts.missing_text}.")
    lines += [f"Note: {warning}." for warning in advice.warnings]
    wrapped = [row for line in lines for row in textwrap.wrap(line, 116, subsequent_indent="  ")]
    wrapped = [row.replace("`", "'") for row in wrapped]  # the beginning of a macro, in comments too
    return "*\n" + "".join(f"* {row}\n" for row in wrapped)


def _rules(facts: Facts) -> Iterator[str]:
    for rule in facts.advice.rules:
        yield f'            if "`rule\'" == "{rule}" {{'
        yield textwrap.indent(RULES[rule].replace("@TOTAL@", _ONE_STEP[facts.advice.complete]), " " * 16)
        yield "            }"


def _column(name: str, raw: str, column: SheetColumn, missing: str) -> Iterator[str]:
    """Lines that make a variable of a column of texts."""
    form = column.form
    blank = _text(missing if column.is_text else "")
    if form is Form.TEXT:
        yield f'quietly generate {name} = cond({raw} == {blank}, "", {raw})'
    elif form is Form.LOGICAL:
        yield f'quietly generate byte {name} = ({raw} == "TRUE") if {raw} != {blank}'
    elif form is Form.DATE:
        yield f'quietly generate double {name} = date({raw}, "YMD")'
        yield f"format {name} %td"
    elif form is Form.DATETIME:
        yield f'quietly generate double {name} = clock({raw}, "YMDhms")'
        yield f"format {name} %tc"
    elif form is Form.TIME:
        parts = [f"real(substr({raw}, {where})) * {seconds}" for where, seconds in (("1, 2", 3600), ("4, 2", 60))]
        yield f"quietly generate double {name} = ({' + '.join(parts)} + real(substr({raw}, 7, .))) / 3600"
    elif column.is_text:
        kind = next((word for most, word in _INTEGERS if len(column.levels) <= most), "long")
        yield f"quietly generate {kind} {name} = ."
        for code, level in enumerate(column.levels, 1):
            yield f"quietly replace {name} = {code} if {raw} == {_text(str(level))}"
    else:
        yield f"quietly generate double {name} = real({raw})"
    for letter, code in _extended(column):
        coded = f"{raw} == {_text(str(code))}"
        if not isinstance(code, str):
            coded = f"real({raw}) == {code!r}"
        nothing = '""' if form is Form.TEXT else letter
        yield f"quietly replace {name} = {nothing} if {coded}"
    if form is not Form.TEXT:
        yield f"assert !missing({name}) | {name} > . if {raw} != {blank}"


def _labels(name: str, column: SheetColumn) -> Iterator[str]:
    """Lines that label a variable and its values; in Mata, whose strings hold any text."""
    if name != column.name and column.name:
        yield f'mata: st_varlabel("{name}", {_text(column.name[:_LONGEST_VARIABLE_LABEL])})'
    labels: list[tuple[Any, str]] = []
    if column.form is Form.LOGICAL:
        labels = [(0, "FALSE"), (1, "TRUE")]
    elif column.is_text and column.form is not Form.TEXT:
        labels = [(code, str(level)) for code, level in enumerate(column.levels, 1)]
    if column.form is not Form.TEXT:
        labels += [
            (letter, label) for (letter, _), label in zip(_extended(column), column.missing_labels, strict=False)
        ]
    for code, label in labels:
        if label:  # an empty text would take the label away
            yield f'mata: st_vlmodify("{name}", {code}, {_text(label)})'
    if labels:
        yield f"label values {name} {name}"


def _extended(column: SheetColumn) -> list[tuple[str, Any]]:
    """The kinds of missing values in Stata, .a to .z; if there are more, the last ones share a letter."""
    return [(f".{ascii_lowercase[min(i, 25)]}", code) for i, code in enumerate(column.missing_codes)]


def _text(value: str) -> str:
    """A text as an expression of Stata and of Mata: nothing in it is a quote, a macro or a comment."""
    chunks = re.findall(r"[\w ,.:;()+=<>?!%&#^|'~-]+|[\s\S]", value)
    return " + ".join(_literal(chunk) for chunk in chunks) if chunks else '""'


def _literal(chunk: str) -> str:
    if len(chunk) > 1 or re.fullmatch(r"[\w ,.:;()+=<>?!%&#^|'~-]", chunk):
        return f'"{chunk}"'
    return f"char({ord(chunk)})" if ord(chunk) < 128 else f"uchar({ord(chunk)})"
