"""What runs in a process of its own, which has Django set up for one bank and nothing else to do.

A job is `function(target, seconds, **options) -> Slice`. `preparation` and `books` are for what
comes before, between and after jobs.
"""
