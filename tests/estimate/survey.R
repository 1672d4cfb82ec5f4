# What R's package survey says of its own api data: written to the folder that is the first argument.
suppressMessages({library(survey); library(jsonlite)})
folder <- commandArgs(TRUE)[1]
data(api)
few <- apistrat[c(1:40, 101:140, 151:180), ]
few$stratum <- as.character(few$stype)
few$stratum[1] <- "alone"
tables <- list(srs = apisrs, strat = apistrat, clus1 = apiclus1, clus2 = apiclus2, few = few)
keep <- c("stype", "dnum", "snum", "api00", "api99", "enroll", "ell", "meals", "acs.core", "target", "awards", "pw")
for (name in names(tables)) {
  table <- tables[[name]][, c(keep, intersect(c("fpc", "stratum"), names(tables[[name]])))]
  names(table) <- gsub(".", "_", names(table), fixed = TRUE)
  table$award <- as.integer(table$awards == "Yes")
  table$none <- ifelse(seq_len(nrow(table)) %% 7 == 0, 0, table$pw)
  tables[[name]] <- table
  write.csv(table, file.path(folder, paste0(name, ".csv")), row.names = FALSE, na = "")
}
designs <- with(tables, list(
  srs = svydesign(~1, weights = ~pw, data = srs),
  srs_fpc = svydesign(~1, weights = ~pw, fpc = ~fpc, data = srs),
  srs_zero = svydesign(~1, weights = ~none, data = srs),
  equal = svydesign(~dnum, weights = rep(1, nrow(clus1)), data = clus1),
  strat = svydesign(~1, strata = ~stype, weights = ~pw, data = strat),
  strat_fpc = svydesign(~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = strat),
  strat_zero = svydesign(~1, strata = ~stype, weights = ~none, data = strat),
  nested = svydesign(~dnum, strata = ~stype, weights = ~pw, nest = TRUE, data = strat),
  clus1 = svydesign(~dnum, weights = ~pw, data = clus1),
  clus1_fpc = svydesign(~dnum, weights = ~pw, fpc = ~fpc, data = clus1),
  clus2 = svydesign(~dnum + snum, weights = ~pw, data = clus2),
  adjust = svydesign(~1, strata = ~stratum, weights = ~pw, data = few),
  average = svydesign(~1, strata = ~stratum, weights = ~pw, data = few),
  certainty = svydesign(~1, strata = ~stratum, weights = ~pw, data = few)
))
fitted <- function(g) list(terms = I(names(coef(g))), estimates = I(unname(coef(g))), covariance = unname(vcov(g)),
                           df = g$df.residual)
exact <- glm.control(epsilon = 1e-14, maxit = 100)
# R's covariance is that of the step before the last: begun at the maximum, that is the maximum, too.
glm_of <- function(formula, d, family) {
  first <- svyglm(formula, d, family = family, control = exact)
  eval(bquote(svyglm(.(formula), d, family = family, control = exact, start = .(unname(coef(first))))))
}
out <- list()
for (name in names(designs)) {
  d <- designs[[name]]
  options(survey.lonely.psu = if (name %in% c("adjust", "average", "certainty")) name else "fail")
  one <- list(degf = degf(d))
  for (x in c("api00", "enroll", "acs_core", "target")) {
    f <- as.formula(paste("~", x))
    m <- svymean(f, d, na.rm = TRUE); t <- svytotal(f, d, na.rm = TRUE)
    v <- svyvar(f, d[!is.na(d$variables[[x]]), ])
    one[[x]] <- list(mean = coef(m)[[1]], se = SE(m)[[1]], total = coef(t)[[1]], total_se = SE(t)[[1]],
                     sd = sqrt(coef(v)[[1]]), df = degf(subset(d, !is.na(get(x)))))
  }
  m <- svymean(~stype, d); t <- svytotal(~stype, d)
  one$stype <- list(share = unname(coef(m)), std_error = unname(SE(m)), n = unname(coef(t)), total_se = unname(SE(t)))
  v <- svyvar(~api00 + meals + ell, d)
  # The linearized error of a correlation is that of a ratio of variances.
  pairs <- list(c("api00", "meals"), c("api00", "ell"), c("meals", "ell"))
  one$correlation <- list(estimates = I(sapply(pairs, function(p) v[p[1], p[2]] / sqrt(v[p[1], p[1]] * v[p[2], p[2]]))))
  r <- sapply(pairs, function(p) {
    g <- update(d, a_ = get(p[1]), b_ = get(p[2]))
    means <- coef(svymean(~a_ + b_, g))
    g <- update(g, a_ = a_ - means[1], b_ = b_ - means[2])
    s <- svymean(~I(a_^2) + I(b_^2) + I(a_ * b_), g)
    q <- coef(s)
    slope <- q[3] / sqrt(q[1] * q[2]) * c(-0.5 / q[1], -0.5 / q[2], 1 / q[3])
    sqrt(drop(slope %*% vcov(s) %*% slope))
  })
  one$correlation$std_errors <- I(unname(r))
  by <- svytotal(~I(enroll * (stype == "E")) + I(enroll * (stype == "H")) + I(enroll * (stype == "M")), d, na.rm = TRUE)
  one$by <- list(estimates = unname(coef(by)), covariance = unname(vcov(by)))
  one$ols <- fitted(svyglm(api00 ~ ell + meals + stype, d))
  one$mean_only <- fitted(svyglm(api00 ~ 1, d))
  one$missing <- fitted(svyglm(api00 ~ target + ell, d))
  one$logit <- fitted(glm_of(award ~ ell + meals, d, quasibinomial()))
  one$probit <- fitted(glm_of(award ~ ell + meals, d, quasibinomial("probit")))
  one$poisson <- fitted(glm_of(enroll ~ api99 + stype, d, quasipoisson()))
  out[[name]] <- one
}
srs <- designs$srs
g <- svyolr(stype ~ meals, designs$clus2, method = "logistic")
out$polr <- list(estimates = unname(c(coef(g))), covariance = unname(vcov(g)))
write_json(out, file.path(folder, "figures.json"), digits = NA, auto_unbox = TRUE, matrix = "rowmajor")
