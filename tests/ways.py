"""The two ways of an API request: past the middleware for pages with a token, else through it."""

import pytest

BY_PAGES: dict[str, str] = {}
# A token of the right form that nobody has: public routes answer as without one.
SHORT = {"Authorization": f"Bearer {'x' * 43}"}

both_ways = pytest.mark.parametrize("way", [BY_PAGES, SHORT], ids=["by pages", "short"])
