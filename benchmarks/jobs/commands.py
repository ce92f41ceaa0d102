"""Commands in this process, through the processor: the cost of the bank without HTTP."""

from collections.abc import Sequence
from decimal import Decimal

from benchmarks.jobs.choices import Choice
from benchmarks.measure import Moved, Slice, measure
from benchmarks.target import Target
from core.commands import Origin
from core.money import to_units
from transactions.commands import Deposit, MoneyCommand, Transfer, Withdraw
from transactions.ledger.processor import process
from transactions.states import TransactionStatus

_ORIGIN = Origin(caller="job:benchmark")
_SIGN = {Deposit: 1, Withdraw: -1, Transfer: 0}


def single(target: Target, seconds: float, *, kinds: Sequence[str]) -> Slice:
    """One command after another, each of a kind in `kinds`: deposit, withdraw, transfer."""
    choice = Choice(target)
    return measure(lambda: [_command(choice, choice.kind(kinds))], post, seconds)


def lists(target: Target, seconds: float, *, length: int) -> Slice:
    """Lists of transfers, each in one database transaction."""
    choice = Choice(target)
    return measure(lambda: [transfer(choice) for _ in range(length)], post, seconds)


def transfer(choice: Choice) -> Transfer:
    """A transfer between two accounts of the load."""
    source, other = choice.pair()
    amount = Decimal(choice.cents()).scaleb(-2)
    return Transfer(account_id=source, target_account_id=other, amount=amount)


def _command(choice: Choice, kind: str) -> MoneyCommand:
    if kind == "transfer":
        return transfer(choice)
    source, _ = choice.pair()
    amount = Decimal(choice.cents()).scaleb(-2)
    return {"deposit": Deposit, "withdraw": Withdraw}[kind](account_id=source, amount=amount)


def post(commands: Sequence[MoneyCommand]) -> Moved:
    rows = process(commands, _ORIGIN)
    assert all(row.status == TransactionStatus.COMPLETED for row in rows)
    paid_in = sum(_SIGN[type(command)] * to_units(command.amount) for command in commands)
    return Moved(len(rows), paid_in)
