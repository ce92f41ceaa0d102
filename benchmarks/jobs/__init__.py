"""Jobs: each runs in a process with Django set up for one bank.

A job is `function(target, seconds, **options) -> Slice`. `preparation` and `books` run before,
between and after jobs.
"""
