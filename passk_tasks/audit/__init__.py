"""How good a benchmark's tests are: right and wrong programs, judged by them."""
