"""One random seed per run: printed in its header, and set by TEST_SEED to repeat the run."""

import os
import secrets
from random import Random

SEED_VARIABLE = "TEST_SEED"


def new_seed() -> int:
    return secrets.randbelow(2**32)


def seed() -> int:
    return int(os.environ[SEED_VARIABLE])


def seeded(name: str) -> Random:
    """A separate random generator, which other tests cannot advance."""
    return Random(f"{seed()} {name}")  # noqa: S311 - chance that can be repeated
