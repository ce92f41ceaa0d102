"""Bugs that are planted on purpose, and the tests that must catch each of them."""
