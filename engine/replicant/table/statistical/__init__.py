"""Files of SPSS, Stata and SAS, which bring a codebook of their own."""
