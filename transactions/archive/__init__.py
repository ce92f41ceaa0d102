"""The archive: settled transactions, appended to a file, each exactly once, and marked.

They stay in the journal, so that history, balances, keys and sequences stay whole. `runs` has the
protocol, `verification` proves the file.
"""
