"""Signs of life of long work."""

import pytest

from core import heartbeat


@pytest.mark.parametrize(("count", "beats"), [(0, 0), (1, 1), (500, 1), (501, 2), (1_001, 3)])
def test_each_500_items_are_a_heartbeat(
    monkeypatch: pytest.MonkeyPatch, count: int, beats: int
) -> None:
    found: list[None] = []
    monkeypatch.setattr(heartbeat, "_beat", lambda: found.append(None))
    assert list(heartbeat.watched(range(count))) == list(range(count))
    assert len(found) == beats
