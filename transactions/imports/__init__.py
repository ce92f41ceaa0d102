"""Loads files into an empty bank: all or nothing, and proven before it commits.

`exported` reads what this bank has exported. The top-level package `legacy_import` reads the files
of the earlier system with the same means. Findings name file, line and column.
"""
