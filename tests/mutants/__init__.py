"""Seeded faults: does the suite notice when the product is wrong? `make mutants`.

Each mutant is the product with one small fault. It is run with the tests that are known to execute
the faulty function, fastest first, until one fails: then it is dead. A mutant that lives, or that
is not dead after a minute, is a *survivor*: a promise that nobody checks. `SURVIVORS.md` says of
each why it may live.

* `table/` holds faults written by people, one row each: file, text before, text after, what breaks.
* `drawn.py` adds small mechanical faults (a turned comparison, a dropped `not`), drawn by a seed.
* `tree.py` keeps a copy of the packages where faults are put in; the checkout is never touched.
* `map.json` (`reach.py`, `make mutants-map`) says which test files execute which function.
* `results.json` says what came of each, and which test killed it; `make test` runs ten of them,
  drawn by the commit's hash, with the test that killed it last.
"""
