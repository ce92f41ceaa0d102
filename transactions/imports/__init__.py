"""Loads files into an empty bank: all or nothing, and verified before the commit.

`exported` reads the exports of this bank. The top-level package `legacy_import` reads the files of
the earlier system with the same means. Each finding names its file, line and column.
"""
