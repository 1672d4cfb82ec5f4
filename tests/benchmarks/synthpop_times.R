# Times synthpop's utility.tables and multi.disclosure: Rscript synthpop_times.R REAL.csv SYN1.csv,SYN2.csv,... KEYS REPEATS
# KEYS are columns, separated by commas. Prints the seconds of each call, one line each: the name of the call, then times.
suppressPackageStartupMessages(library(synthpop))
asked <- commandArgs(trailingOnly = TRUE)
read <- function(path) read.csv(path, stringsAsFactors = TRUE)
real <- read(asked[1])
sets <- lapply(strsplit(asked[2], ",")[[1]], read)
keys <- strsplit(asked[3], ",")[[1]]
timed <- function(call) replicate(as.integer(asked[4]), system.time(call())[["elapsed"]])
quiet <- function(value) invisible(utils::capture.output(value))
cat("utility.tables", timed(function() quiet(
  utility.tables(sets, real, tables = "twoway", plot = FALSE, print.flag = FALSE))), "\n")
cat("multi.disclosure", timed(function() quiet(
  multi.disclosure(sets, real, keys = keys, plot = FALSE, print.flag = FALSE))), "\n")
