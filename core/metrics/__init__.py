"""Metrics: what each process counts, where the counts lie, and how they are shown.

`instruments` has everything that is counted, `folder` the counts of a server's processes, and
`exposition` the text for Prometheus. `bankproject.metrics` reads the rest from the database.
"""
