"""How fast the bank is, next to the floors below it: `make bench`, or `python -m benchmarks`.

`cases` says what is measured and `goals` what is asked of it; both are data, and adding a case is
adding a line there. A case names a job, a function of `jobs`. `rounds` runs them, `report` tells.
The method is explained in docs/performance.md.
"""
