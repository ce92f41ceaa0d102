"""How long to look, and at how large a bank."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """Each case once a round, for `seconds`. `accounts` is how many each bank has.

    `web_workers` None stands for as many as the bank has out of the box.
    """

    rounds: int = 5
    seconds: float = 3.0
    accounts: int = 1000
    pgbench_scale: int = 10
    web_workers: int | None = None


FULL = Plan()
# Does it still work? Its figures mean nothing.
QUICK = Plan(rounds=1, seconds=0.2, accounts=50, pgbench_scale=1, web_workers=1)
