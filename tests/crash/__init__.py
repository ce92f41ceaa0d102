"""Crashes: processes killed at every step of a command's life, stopped past their lease, and killed
at random under load, the database's own among them. The bank must come out of each of them with
every command that it accepted COMPLETED or FAILED, once.

Every process here is started by the tests and killed by its id; none outlives its test.
"""
