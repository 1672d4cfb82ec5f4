# Files as R's haven writes them, with all that a file of SPSS, Stata or SAS says of its columns: Rscript haven.R FOLDER
suppressPackageStartupMessages(library(haven))
setwd(commandArgs(TRUE)[1])

n <- 30
d <- data.frame(id = 1:n)
d$sex <- labelled_spss(rep(c(1, 2, 9), 10), labels = c(male = 1, female = 2, refused = 9), na_values = 9, label = "Sex")
d$inc <- labelled_spss(c(100.25, -8, -9, 200.5, -7, NA, rep(1:8, 3) * 10),
  labels = c(refused = -8, "not known" = -9), na_range = c(-9, -7), label = "Income"
)
d$land <- labelled_spss(rep(c("a", "b", "X"), 10), labels = c(Alpha = "a", Beta = "b"), na_values = "X")
d$day <- as.Date("1999-12-31") + seq_len(n) - 1
d$moment <- as.POSIXct("2001-02-03 04:05:06", tz = "UTC") + 0.5 * (seq_len(n) - 1)
d$level <- factor(rep(c("low", "high"), 15), levels = c("low", "high", "never"))
d$text <- rep(c("é", "日本", ""), 10)
d$a_name_of_more_than_thirty_two_characters <- seq_len(n) + 0.5
write_sav(d, "a.sav")
write_sav(d, "a.zsav", compress = "zsav")

e <- data.frame(id = 1:n)
e$sex <- labelled(rep(c(1, 2, tagged_na("a"), tagged_na("z"), NA), 6), c(male = 1, female = 2, refused = tagged_na("a")))
e$inc <- labelled(rep(c(1.5, tagged_na("a"), tagged_na("b")), 10), c(refused = tagged_na("a"), "-77: not asked" = tagged_na("b")))
e$day <- d$day
e$moment <- d$moment
e$level <- d$level
e$text <- d$text
e$whole <- rep(c(1L, NA, 3L), 10)
attr(e$whole, "label") <- "Children in the household"
for (version in c(8, 10, 13, 15)) {
  f <- e
  if (version < 14) f$text <- rep(c("a", "b", ""), 10)
  names(f)[names(f) %in% c("day", "moment", "text")] <- c("day_", "moment_", "text_")
  write_dta(f, paste0("a", version, ".dta"), version = version)
}

s <- data.frame(id = 1:n, day = d$day, moment = d$moment, text = rep(c("a", "b", ""), 10))
s$special <- rep(c(1.5, tagged_na("A"), tagged_na("Z"), NA, 2), 6)
attr(s$special, "label") <- "With special missing values"
for (version in c(5, 8)) write_xpt(s, paste0("a", version, ".xpt"), version = version)
suppressWarnings(write_sas(s, "a.sas7bdat"))
