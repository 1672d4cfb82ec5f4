"""`analyse.R`: base R that reads the sets of a release as typed data frames and pools any model with coef and vcov."""

from __future__ import annotations

import re
import textwrap
from typing import Any

from replicant.release.csv import SheetColumn
from replicant.release.scripts.facts import Advice, Facts
from replicant.storage.folder import COPIES, MANIFEST

__all__ = ["RULES", "pooling", "script"]

RULES = {
    "rubin1987": """\
# Rubin (1987), with the degrees of freedom of Barnard and Rubin (1999)
rubin1987 = function(s) {
  increase <- (1 + 1 / m) * s$b
  total <- s$ubar + increase
  share <- pmax(ifelse(total > 0, increase / total, 0), 1e-4)
  inverse <- 1 / s$dfcom
  observed <- (1 + 3 * inverse) * inverse / ((1 + inverse) * pmax(1 - share, .Machine$double.xmin))
  list(total = total, df = 1 / (share^2 / (m - 1) + observed))
}""",
    "reiter2003": """\
# Reiter (2003): T = ubar + b/m
reiter2003 = function(s) {
  list(total = s$ubar + s$b / m, df = satterthwaite(s$b / m, s$ubar, s$dfcom))
}""",
    "raghunathan2003": """\
# Raghunathan, Reiter and Rubin (2003): T = (1 + 1/m) b - ubar; where negative, (k/n) ubar, which is too large
raghunathan2003 = function(s) {
  total <- (1 + 1 / m) * s$b - s$ubar
  df <- (m - 1) * (1 - s$ubar / ((1 + 1 / m) * s$b))^2
  if (any(total <= 0)) message(sum(total <= 0), " of ", length(total), " variances are negative and replaced")
  list(total = ifelse(total > 0, total, k / n * s$ubar), df = ifelse(total > 0, df, Inf))
}""",
    "raab2016_simple": """\
# Raab, Nowok and Dibben (2016), fitted parameters: T = ubar (k/n + 1/m)
raab2016_simple = function(s) list(total = s$ubar * (k / n + 1 / m), df = Inf)""",
    "raab2016_proper": """\
# Raab, Nowok and Dibben (2016), drawn parameters: T = ubar (k/n + (1 + k/n)/m)
raab2016_proper = function(s) list(total = s$ubar * (k / n + (1 + k / n) / m), df = Inf)""",
    "raab2016_partial": """\
# Raab, Nowok and Dibben (2016), any number of rows: T = ubar k/n + b/m
raab2016_partial = function(s) {
  list(total = s$ubar * k / n + s$b / m, df = satterthwaite(s$b / m, s$ubar * k / n, Inf))
}""",
    "census": """\
# Only where the real rows are the whole population: T = b/m
census = function(s) list(total = s$b / m, df = satterthwaite(s$b / m, 0, Inf))""",
    "one_step": """\
# Imputed and synthesized in one chain
one_step = function(s) {
  upper <- (1 + 1 / m) * s$b
  total <- @TOTAL@
  df <- @DF@
  list(total = total, df = if (m == 2) 2 else df)  # two sets say next to nothing of b
}""",
}

_ONE_STEP = {
    True: ("pmax(s$ubar + s$b / m, upper)", "ifelse(upper > 0, (m - 1) * (total / upper)^2, Inf)"),
    False: ("s$ubar + upper  # an upper bound", "satterthwaite(upper, s$ubar, Inf)"),
}

_HEAD = """\
# @M@ of @K@ rows, made from @N@ real ones by Replicant @VERSION@.
#
#     source("release/_scripts/analyse.R")  # reads them: sets[[1]] is a data frame
#     fits <- lapply(sets, function(data) lm(@EXAMPLE@, data))
#     pool_syn(fits)                        # one table, by the rule that holds for these sets
#
# Base R is enough@ARROW@. Write your analysis in a file of your own: a release with a changed file is no longer whole.
"""

_READ = """\
# Levels stand in their order: an ordered factor gets polynomial contrasts, another one treatment contrasts.
# What `missing` lists means a kind of missing: such cells are NA.
columns <- list(
@COLUMNS@
)

read_part <- function(file) {
@READER@
  names(data) <- vapply(columns, function(column) column$name, "")
  data
}

typed <- function(x, column) {
  x[is_coded(x, column$missing)] <- NA
  y <- switch(column$as,
    number = as.numeric(x),
    days = if (inherits(x, "difftime")) as.numeric(x, units = "days") else as.numeric(x),
    time = if (is.character(x)) {
      (as.numeric(substr(x, 1, 2)) * 3600 + as.numeric(substr(x, 4, 5)) * 60 + as.numeric(substring(x, 7))) / 3600
    } else as.numeric(x, units = "hours"),
    logical = as.logical(x),
    date = if (is.character(x)) as.Date(substr(x, 1, 10), "%Y-%m-%d") else as.Date(x, tz = "UTC"),
    datetime = if (is.character(x)) as.POSIXct(sub("T", " ", x), tz = "UTC", format = "%Y-%m-%d %H:%M:%OS") else x,
    text = as.character(x),
    {
      position <- if (is.numeric(column$levels)) match(as.numeric(as.character(x)), column$levels)
               else match(one_line_end(x), one_line_end(column$levels))
      factor(position, seq_along(column$levels), column$levels, ordered = column$as == "ordered")
    })
  if (any(is.na(y) & !is.na(x))) stop("column ", column$name, " holds what it should not: is the release whole?")
  y
}

# Cells that hold a kind of missing, by its code
is_coded <- function(x, codes) {
  texts <- one_line_end(x)
  if (is.numeric(codes)) suppressWarnings(as.numeric(texts)) %in% codes else texts %in% one_line_end(codes)
}

one_line_end <- function(x) gsub("\\r\\n?", "\\n", as.character(x))  # as R reads them

# The release, of which this file tells the folder, whether it is sourced or run by Rscript; else the working directory.
folder <- local({
  file <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
  for (frame in sys.frames()) if (is.character(frame$ofile)) file <- frame$ofile
  found <- if (length(file)) file.path(dirname(file[1]), "..") else "."
  if (file.exists(file.path(found, "@MANIFEST@"))) found else "."
})

lapply(1:@SETS@, function(i) {
  files <- sprintf("@FOLDER@imputation=%0@WIDTH@d/part-%d.@SUFFIX@", i, @PARTS@)
  do.call(rbind, lapply(file.path(folder, files), read_part))
})
"""

_READERS = {
    True: """\
  data <- read.csv(file, header = FALSE, colClasses = "character", na.strings = character(), encoding = "UTF-8",
                   col.names = paste0("V", seq_along(columns)), blank.lines.skip = FALSE)[-1, , drop = FALSE]
  rownames(data) <- NULL
  data[] <- Map(function(x, column) {
    x[x == (if (column$as == "text" || is.character(column$levels)) @MISSING@ else "")] <- NA
    typed(x, column)
  }, data, columns)""",
    False: """\
  data <- as.data.frame(arrow::read_parquet(file))
  data[] <- Map(typed, data, columns)""",
}

_POOL = """\
m <- @SETS@  # sets
n <- @N@  # real rows
k <- @K@  # rows of each set

# q_l, u_l: estimate and variance in set l; ubar: mean of the u_l; b: variance of the q_l; T: variance of the mean.
@RULES@

# Degrees of freedom of a sum of variances: one known from m sets, one from dfcom residual degrees of freedom
satterthwaite <- function(between, within, dfcom) {
  spread <- between^2 / (m - 1) + within^2 / dfcom
  ifelse(spread > 0, (between + within)^2 / spread, Inf)
}

# R leaves out a level that does not occur. In one set but not in the others, that changes what a term is.
check_levels <- function(fits) {
  for (name in if (is.list(fits[[1]])) names(fits[[1]]$xlevels)) {
    found <- unique(lapply(fits, function(fit) fit$xlevels[[name]]))
    plain <- identical(fits[[1]]$contrasts[[name]], "contr.treatment")
    if (length(found) > 1 && !(plain && length(unique(vapply(found, `[`, "", 1))) == 1))
      stop("A level of ", name, " does not occur in every set, so its terms differ. Join levels, in every set.")
  }
}

# Terms that in some sets are tied to a column which lm drops there: they are then something else than in the others.
tied <- function(fits) {
  if (!all(vapply(fits, inherits, NA, "lm"))) return(character())
  dropped <- lapply(fits, function(fit) names(which(is.na(coef(fit)))))
  unique(unlist(Map(function(fit, own) if (length(own)) {
    ties <- abs(alias(fit)$Complete[own, , drop = FALSE])
    ties <- sweep(ties, 2, sqrt(colMeans(model.matrix(fit)[, colnames(ties), drop = FALSE]^2)), "*")
    colnames(ties)[colSums(ties > 1e-6 * apply(ties, 1, max)) > 0]
  }, fits, lapply(dropped, setdiff, Reduce(intersect, dropped)))))
}

# fits   one fitted model for each set, with coef() and vcov(); thresholds of MASS::polr are pooled too
# rule   a name in `rules`
# dfcom  residual degrees of freedom of the model; by default the smallest of the fits'. Inf: a large sample
function(fits, rule = names(rules)[1], level = 0.95, dfcom = NULL) {
  if (!length(rules)) stop("No rule holds for these sets; see the remarks in analyse.R.")
  if (!rule %in% names(rules)) stop("Rules that hold for these sets: ", paste(names(rules), collapse = ", "), ".")
  if (length(fits) != m) stop("There must be one fit for each of the ", m, " sets.")
@CHECK@  check_levels(fits)
  estimates <- lapply(fits, function(fit) c(coef(fit), if (inherits(fit, "polr")) fit$zeta))
  variances <- lapply(fits, function(fit) diag(as.matrix(vcov(fit))))
  terms <- unique(unlist(lapply(estimates, names)))
  kept <- Filter(function(term) all(mapply(function(q, u) is.finite(q[term]) && is.finite(u[term]),
                                           estimates, variances)), setdiff(terms, tied(fits)))
  if (!length(kept)) stop("No term could be estimated in every set.")
  lost <- setdiff(terms, kept)
  if (length(lost)) message("Not estimated in every set: ", paste(lost, collapse = ", "))
  q <- matrix(unlist(lapply(estimates, `[`, kept)), nrow = m, byrow = TRUE)
  u <- matrix(unlist(lapply(variances, `[`, kept)), nrow = m, byrow = TRUE)
  if (is.null(dfcom)) dfcom <- min(Inf, unlist(lapply(fits, df.residual)), na.rm = TRUE)
  made <- rules[[rule]](list(ubar = colMeans(u), b = apply(q, 2, var), dfcom = dfcom))
  estimate <- colMeans(q)
  error <- sqrt(made$total)
  reach <- ifelse(error > 0, qt((1 + level) / 2, made$df) * error, 0)
  data.frame(term = kept, estimate = estimate, std.error = error, statistic = estimate / error, df = made$df,
             p.value = 2 * pt(-abs(estimate / error), made$df), conf.low = estimate - reach,
             conf.high = estimate + reach)
}
"""

_FOOT = """
# Example:
# fits <- lapply(sets, function(data) lm(@EXAMPLE@, data))
# pool_syn(fits)
"""

_COLUMN_CHECK = """\
  used <- unique(unlist(lapply(fits, function(fit) all.vars(formula(fit)))))
  if (length(setdiff(used, poolable))) stop("Not synthesized in every row: ", paste(setdiff(used, poolable),
                                                                                    collapse = ", "))
"""


def script(facts: Facts) -> str:
    """The text of `analyse.R`: ASCII only, so that it reads the same in every locale."""
    columns = facts.sheet.columns
    fill = {
        "M": "1 synthetic set" if facts.m == 1 else f"{facts.m} synthetic sets",
        "SETS": f"{facts.m}",
        "N": f"{facts.n}",
        "K": f"{facts.k}",
        "VERSION": facts.version,
        "EXAMPLE": _example(columns),
        "ARROW": "" if facts.csv else "; the package arrow reads the Parquet files",
        "COLUMNS": ",\n".join(_column(column) for column in columns),
        "READER": _READERS[facts.csv].replace("@MISSING@", _text(facts.sheet.missing)),
        "WIDTH": str(facts.width),
        "FOLDER": f"{COPIES}/csv/" if facts.csv else "",
        "SUFFIX": "csv" if facts.csv else "parquet",
        "MANIFEST": MANIFEST,
        "PARTS": f"c({', '.join(map(str, facts.partitions))})" if len(facts.partitions) > 1 else "0",
    }
    # Each in a scope of its own: an analyst's `m <- ...` must not change what is read or pooled.
    read = textwrap.indent(_filled(_READ, fill), "  ")
    scopes = f"\nsets <- local({{\n{read}}})\n\n{pooling(facts.m, facts.n, facts.k, facts.advice)}"
    return _filled(_HEAD, fill) + _remarks(facts) + scopes + _filled(_FOOT, fill)


def pooling(m: int, n: int, k: int, advice: Advice) -> str:
    """Code that makes `pool_syn`, for sets that were read in any way.

    Parameters
    ----------
    m, n, k
        Sets, real rows, rows of each set.
    advice
        How to pool.
    """
    check = "" if advice.columns is None else _COLUMN_CHECK
    fill = {"SETS": f"{m}", "N": f"{n}", "K": f"{k}", "RULES": _rules(advice), "CHECK": check}
    return f"pool_syn <- local({{\n{textwrap.indent(_filled(_POOL, fill), '  ')}}})\n"


def _filled(text: str, fill: dict[str, str]) -> str:
    """Every mark replaced, once: a level may look like a mark."""
    return re.sub(r"@([A-Z]+)@", lambda found: fill[found[1]], text)


def _remarks(facts: Facts) -> str:
    advice = facts.advice
    lines = [f"Missing cells: {facts.missing_text}."]
    if advice.rules:
        lines.insert(0, f"Rule: {advice.rules[0]}, since {advice.why}.")
        if len(advice.rules) > 1:
            lines.insert(1, f"These hold too: {', '.join(advice.rules[1:])}.")
    else:
        lines.insert(0, advice.why)
    if advice.columns is not None:
        lines.append("It holds for models of columns that are synthesized throughout: those in `poolable`.")
    lines += [f"Note: {warning}." for warning in advice.warnings]
    wrapped = [row for line in lines for row in textwrap.wrap(line, 116, subsequent_indent="  ")]
    return "#\n" + "".join(f"# {row}\n" for row in wrapped)


def _rules(advice: Advice) -> str:
    bodies = []
    for rule in advice.rules:
        total, df = _ONE_STEP[advice.complete]
        bodies.append(textwrap.indent(RULES[rule].replace("@TOTAL@", total).replace("@DF@", df), "  "))
    text = "rules <- list(\n" + ",\n".join(bodies) + "\n)" if bodies else "rules <- list()"
    if advice.columns is not None:
        text += f"\n\npoolable <- {_vector([_text(name) for name in advice.columns], 0)}"
    return text


def _column(column: SheetColumn) -> str:
    said = f"  list(name = {_text(column.name)}, as = {_text(str(column.form))}"
    if column.levels:
        values = [_text(level) if isinstance(level, str) else repr(level) for level in column.levels]
        said += f", levels = {_vector(values, 4)}"
    if codes := column.missing_codes:
        numbers = not any(isinstance(code, str) for code in codes)
        said += f", missing = {_vector([repr(code) if numbers else _text(str(code)) for code in codes], 4)}"
    return said + ")"


def _vector(values: list[str], indent: int) -> str:
    rows = [""]
    for value in values:
        if rows[-1] and len(rows[-1]) + len(value) + 2 > 110 - indent:
            rows.append("")
        rows[-1] += f"{value}, "
    body = f"\n{' ' * indent}".join(row.rstrip() for row in rows)[:-1]
    return f"c(\n{' ' * indent}{body})" if len(rows) > 1 else f"c({body})"


def _text(value: str) -> str:
    """A text as R code."""
    signs = {"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
    return '"' + "".join(signs.get(sign) or _sign(sign) for sign in value) + '"'


def _sign(sign: str) -> str:
    code = ord(sign)
    if 32 <= code < 127:
        return sign
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _example(columns: tuple[SheetColumn, ...]) -> str:
    """A formula of the release's own columns, of plain names: a number on the next two columns."""
    plain = [c for c in columns if c.name.isascii() and c.name.isidentifier() and not c.name.startswith("_")]
    response: Any = next((c for c in plain if c.form == "number"), None)
    others = [c.name for c in plain if c is not response and c.form not in {"text", "datetime"}][:2]
    return f"{response.name} ~ {' + '.join(others)}" if response is not None and others else "y ~ x"
