# What R's mice draws for cells that are missing: `Rscript mice_draws.R mice_draws.json` adds its figures to the file.
#
# The file holds two predictors, a number, columns of two levels, three levels and four ordered ones, and which rows are missing. For each
# method there are the mean, over many draws, of what `figures` computes, and its standard deviation between draws.

suppressMessages(library(mice))
path <- commandArgs(trailingOnly = TRUE)[1]
held <- jsonlite::fromJSON(path)
table <- as.data.frame(held$table)
x <- cbind(x1 = table$x1, x2 = table$x2)
missing <- table$missing == 1
set.seed(1)

summarised <- function(draws) list(mean = rowMeans(draws), sd = apply(draws, 1, sd), draws = ncol(draws))
numbers <- function(method, draws) {
  figures <- function() {
    z <- as.numeric(method(table$y, !missing, x))
    c(mean(z), sd(z), cor(z, x[missing, 1]))
  }
  summarised(sapply(seq_len(draws), function(i) figures()))
}
levels_of <- function(method, column, draws, ordered = FALSE) {
  y <- factor(table[[column]], ordered = ordered)
  figures <- function() {
    z <- factor(as.character(method(y, !missing, x)), levels = levels(y))
    c(as.numeric(prop.table(table(z))), cor(as.integer(z), x[missing, 1]))
  }
  table <- base::table
  summarised(sapply(seq_len(draws), function(i) figures()))
}

held$mice <- as.character(packageVersion("mice"))
held$figures <- list(
  norm = numbers(mice.impute.norm, 4000),
  norm.boot = numbers(mice.impute.norm.boot, 4000),
  norm.nob = numbers(mice.impute.norm.nob, 4000),
  pmm = numbers(mice.impute.pmm, 4000),
  midastouch = numbers(mice.impute.midastouch, 2000),
  logreg = levels_of(mice.impute.logreg, "b", 3000),
  polyreg = levels_of(mice.impute.polyreg, "g", 1000),
  polr = levels_of(mice.impute.polr, "o", 1000, ordered = TRUE),
  lda = levels_of(mice.impute.lda, "g", 1000)
)
writeLines(jsonlite::toJSON(held, digits = 6, auto_unbox = TRUE), path)
