"""How long a client wants to wait."""

from events.views import _wanted_seconds
from events.waiting import LONGEST_WAIT_SECONDS


def test_the_wanted_seconds() -> None:
    for header, seconds in {
        "wait=7": 7,
        'respond-async; x=1, Wait = "007"': 7,
        "wait=99999999": LONGEST_WAIT_SECONDS,
        "wait=" + "9" * 5000: LONGEST_WAIT_SECONDS,
        'wait="7': 0,
        "wait=-7": 0,
        "await=7": 0,
        "wait=\u0667": 0,
    }.items():
        assert _wanted_seconds(header) == seconds, header
