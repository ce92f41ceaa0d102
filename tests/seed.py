"""One seed for all chance in a run: printed in its header, set by TEST_SEED to repeat it."""

import os
import secrets
from random import Random

SEED_VARIABLE = "TEST_SEED"


def new_seed() -> int:
    return secrets.randbelow(2**32)


def seed() -> int:
    return int(os.environ[SEED_VARIABLE])


def seeded(name: str) -> Random:
    """Chance of one's own, which no other test can change by drawing from it."""
    return Random(f"{seed()} {name}")  # noqa: S311 - chance that can be repeated
