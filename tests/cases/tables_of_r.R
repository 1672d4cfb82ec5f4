# `survey` of MASS as .dta and `lung` of survival as .sav, with labels and kinds of missing, and what R says of them:
# Rscript tables_of_r.R FOLDER
suppressPackageStartupMessages({
  library(haven)
  library(jsonlite)
  library(survival)
})
setwd(commandArgs(TRUE)[1])

told <- function(x) {
  plain <- if (is.factor(x)) as.character(x) else as.vector(zap_labels(x))
  labels <- attr(x, "labels")
  levels <- if (is.factor(x)) levels(x) else names(labels)[!is.na(labels) & !(labels %in% attr(x, "na_values"))]
  gone <- is.na(x)
  # A level of a variable with labels is its code, which the labels name.
  if (!is.factor(x) && length(levels)) plain <- names(labels)[match(plain, labels)]
  list(
    levels = I(as.character(levels)),
    missing = sum(gone),
    label = attr(x, "label", exact = TRUE),
    mean = if (length(levels)) NULL else mean(plain[!gone]),
    sd = if (length(levels)) NULL else sd(plain[!gone]),
    shares = if (length(levels)) I(as.vector(prop.table(table(factor(plain[!gone], levels)))))
  )
}
fitted <- function(fit) list(names = names(coef(fit)), estimates = unname(coef(fit)))

survey <- MASS::survey
names(survey) <- gsub(".", "_", names(survey), fixed = TRUE)
survey$Pulse <- labelled(
  ifelse(is.na(survey$Pulse), tagged_na("a"), survey$Pulse), c("not measured" = tagged_na("a")),
  label = "Pulse of the student"
)
write_dta(survey, "survey.dta")

lung <- survival::lung
lung$status <- labelled(lung$status, c(censored = 1, dead = 2), label = "Censoring status")
lung$sex <- labelled(lung$sex, c(male = 1, female = 2))
lung$meal.cal <- labelled_spss(
  ifelse(is.na(lung$meal.cal), -9, lung$meal.cal), c("not asked" = -9),
  na_values = -9, label = "Calories consumed at meals"
)
write_sav(lung, "lung.sav")

plain <- survival::lung
plain$sex <- factor(plain$sex, 1:2, c("male", "female"))
write_json(
  list(
    survey = list(
      columns = lapply(survey, told), model = fitted(lm(Height ~ Sex + Wr_Hnd, survey))
    ),
    lung = list(columns = lapply(lung, told), model = fitted(coxph(Surv(time, status == 2) ~ age + sex, plain)))
  ),
  "tables.json",
  auto_unbox = TRUE, digits = NA, null = "null"
)
