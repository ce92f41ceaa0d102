"""The two ways of an API request: with a token past the middleware for pages, else through it."""

import pytest

BY_PAGES: dict[str, str] = {}
# A well-formed token that does not exist. Public routes respond as without one.
SHORT = {"Authorization": f"Bearer {'x' * 43}"}

both_ways = pytest.mark.parametrize("way", [BY_PAGES, SHORT], ids=["by pages", "short"])
