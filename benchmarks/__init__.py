"""Benchmarks of the bank, compared with lower bounds: `make bench`, or `python -m benchmarks`.

`cases` lists the measurements and `goals` their targets; both are data, so a new case is a new
line. A case names a job, a function in `jobs`. `rounds` runs the cases, `against` runs them at two
commits in turns, `report` publishes them.
docs/performance.md explains the method.
"""
