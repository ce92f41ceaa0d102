"""The lake: what was posted on each closed day, as Parquet files that never change.

Only `parquet` and `verifying` import pyarrow, and only commands import these two: a web worker
never loads it.
"""
