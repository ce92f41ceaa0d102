"""Random transfers through the processor, in a thread or in a separate process."""

import json
import sys
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any
from uuid import UUID

from core.commands import Command
from core.errors import Busy
from tests.concurrency.client import ATTEMPTS
from tests.concurrency.crowd import at_once
from tests.concurrency.tally import Tally
from tests.factories import run
from transactions.commands import Transfer


def settled(command: Command, tally: Tally) -> Any:
    """The command's result. Repeats it while the bank is busy, because then nothing was done."""
    for _ in range(ATTEMPTS):
        try:
            return run(command)
        except Busy:
            tally.add("answers busy")
    raise AssertionError(f"{command} stayed busy")


def transfer_at_random(account_ids: list[str], *, seed: int, transfers: int, tally: Tally) -> None:
    """Makes this many transfers of unequal amounts, some beyond the account's balance."""
    random = Random(seed)  # noqa: S311 - chance that can be repeated
    for _ in range(transfers):
        source, target = random.sample(account_ids, 2)
        settled(
            Transfer(
                account_id=UUID(source),
                target_account_id=UUID(target),
                amount=Decimal(random.randint(1, 40_000)) / 100,
            ),
            tally,
        )
        tally.add("transfers in-process")


def main() -> None:
    """Entry point of a process: takes its job as first argument, prints its counts, as JSON."""
    job = json.loads(sys.argv[1])
    tally = Tally()
    random = Random(job["seed"])  # noqa: S311
    at_once(
        [
            partial(
                transfer_at_random,
                job["account_ids"],
                seed=random.getrandbits(32),
                transfers=job["transfers"],
                tally=tally,
            )
            for _ in range(job["threads"])
        ]
    )
    print(json.dumps(tally.as_dict()))
