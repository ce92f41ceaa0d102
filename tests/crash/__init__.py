"""Crashes: processes that are killed at every step, stopped past their lease, or killed at random.

The random kills happen under load and include the database. Afterwards every accepted command must
be COMPLETED or FAILED, once. The tests start every process here themselves and kill it by its id;
none outlives its test.
"""
