"""The archive: appends settled transactions to a file, each exactly once, and marks them.

Archived rows stay in the journal, so that history, balances, keys and sequences stay complete.
`runs` has the protocol; `transactions.verifier.archive_file` proves the file.
"""
