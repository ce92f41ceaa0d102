"""Counts as people read them."""

import pytest

from core.counts import count_of


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 days"), (1, "1 day"), (2, "2 days"), (1200, "1,200 days")]
)
def test_the_noun_follows_the_number(number: int, words: str) -> None:
    assert count_of(number, "day") == words
