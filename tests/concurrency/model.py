"""An independent model of the bank: integers in minor units, without any code of the bank.

`Model` predicts the result of each operation. `violations` replays a history from the API, each
account in the order of its sequence, and lists all differences from the model.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Mapping[str, Any]

DIGITS = 2


def minor_units(text: str) -> int:
    """The integer of an amount from the API, which has exactly two digits after the point."""
    whole, point, fraction = text.partition(".")
    if point != "." or len(fraction) != DIGITS or not fraction.isdigit():
        raise ValueError(f"{text!r} is not an amount with {DIGITS} digits")
    sign = -1 if whole.startswith("-") else 1
    return sign * (int(whole.removeprefix("-")) * 10**DIGITS + int(fraction))


@dataclass(slots=True)
class ModelAccount:
    balance: int = 0
    limit: int = 0
    held: int = 0
    sequence: int = 0
    debits_blocked: bool = False
    credits_blocked: bool = False
    closed: bool = False
    changes: int = 0  # events of the audit log, opening included
    # The limits of payments; None is no limit.
    max_amount: int | None = None
    daily_amount: int | None = None
    daily_count: int | None = None
    # The payments of the bank's day.
    paid: int = 0
    payments: int = 0

    @property
    def free(self) -> int:
        return self.balance + self.limit - self.held

    def allows(self, amount: int) -> bool:
        """Whether the limits allow a payment of this amount now."""
        return (
            (self.max_amount is None or amount <= self.max_amount)
            and (self.daily_count is None or self.payments < self.daily_count)
            and (self.daily_amount is None or self.paid + amount <= self.daily_amount)
        )

    def post(self, change: int) -> None:
        self.balance += change
        self.sequence += 1


@dataclass(slots=True)
class ModelHold:
    account_id: str
    target_id: str | None
    left: int


@dataclass(slots=True)
class Model:
    """A bank in one currency. Operations return the code of their refusal, or None."""

    accounts: dict[str, ModelAccount] = field(default_factory=dict)
    # By id. An ended hold has nothing left.
    holds: dict[str, ModelHold] = field(default_factory=dict)

    def open(self, account_id: str, *, limit: int = 0) -> None:
        assert account_id not in self.accounts
        self.accounts[account_id] = ModelAccount(limit=limit, changes=1)

    def move(self, debited: str | None, credited: str | None, amount: int) -> str | None:
        """Moves money; None stands for the bank's own cash. The total of money never changes."""
        source = self.accounts[debited] if debited else None
        target = self.accounts[credited] if credited else None
        if any(side and side.closed for side in (source, target)):
            return "account_closed"
        if (source and source.debits_blocked) or (target and target.credits_blocked):
            return "account_frozen"
        if source and source.free < amount:
            return "insufficient_funds"
        if source and not source.allows(amount):
            return "limit_exceeded"
        if source:
            source.post(-amount)
            source.paid += amount
            source.payments += 1
        if target:
            target.post(amount)
        return None

    def hold(self, account_id: str, target_id: str | None, amount: int) -> str | None:
        """Reserves money. The target matters at the capture only."""
        account = self.accounts[account_id]
        if account.closed:
            return "account_closed"
        if account.debits_blocked:
            return "account_frozen"
        if account.free < amount:
            return "insufficient_funds"
        if not account.allows(amount):
            return "limit_exceeded"
        account.held += amount
        return None

    def capture(self, hold_id: str, amount: int, *, final: bool) -> str | None:
        hold = self.holds[hold_id]
        if amount > hold.left or not hold.left:
            return "invalid_transition"
        account = self.accounts[hold.account_id]
        account.held -= amount
        if code := self.move(hold.account_id, hold.target_id, amount):
            account.held += amount
            return code
        hold.left -= amount
        return self.void(hold_id) if final and hold.left else None

    def void(self, hold_id: str) -> str | None:
        hold = self.holds[hold_id]
        if not hold.left:
            return "invalid_transition"
        self.accounts[hold.account_id].held -= hold.left
        hold.left = 0
        return None

    def freeze(self, account_id: str, scope: str) -> str | None:
        account = self.accounts[account_id]
        if account.closed:
            return "account_closed"
        before = (account.debits_blocked, account.credits_blocked)
        account.debits_blocked |= scope in ("debits", "all")
        account.credits_blocked |= scope in ("credits", "all")
        if before == (account.debits_blocked, account.credits_blocked):
            return "invalid_transition"
        account.changes += 1
        return None

    def unfreeze(self, account_id: str) -> str | None:
        account = self.accounts[account_id]
        if account.closed:
            return "account_closed"
        if not (account.debits_blocked or account.credits_blocked):
            return "invalid_transition"
        account.debits_blocked = account.credits_blocked = False
        account.changes += 1
        return None

    def change_limit(self, account_id: str, limit: int) -> str | None:
        account = self.accounts[account_id]
        if account.closed:
            return "account_closed"
        if account.balance - account.held < -limit:
            return "limit_below_use"
        account.limit = limit
        account.changes += 1
        return None

    def set_limits(
        self,
        account_id: str,
        max_amount: int | None,
        daily_amount: int | None,
        daily_count: int | None,
    ) -> str | None:
        """Sets all three limits of the account's payments."""
        account = self.accounts[account_id]
        if account.closed:
            return "account_closed"
        account.max_amount, account.daily_amount = max_amount, daily_amount
        account.daily_count = daily_count
        account.changes += 1
        return None

    def reverse(
        self, debited: str, credited: str | None, amount: int, *, is_of_today: bool
    ) -> str | None:
        """Moves a payment back. No limit stops it, and the payment counts no longer."""
        payer = self.accounts[debited]
        payee = self.accounts[credited] if credited else None
        if payer.closed or (payee and payee.closed):
            return "account_closed"
        if payer.credits_blocked or (payee and payee.debits_blocked):
            return "account_frozen"
        if payee and payee.free < amount:
            return "insufficient_funds"
        if payee:
            payee.post(-amount)
        payer.post(amount)
        if is_of_today:
            payer.paid -= amount
            payer.payments -= 1
        return None

    def next_day(self) -> None:
        """What was paid before midnight counts no longer."""
        for account in self.accounts.values():
            account.paid = account.payments = 0

    def close(self, account_id: str) -> str | None:
        account = self.accounts[account_id]
        if account.closed:
            return "account_closed"
        if account.balance != 0 or account.held:
            return "account_not_empty"
        account.closed = True
        account.changes += 1
        return None


@dataclass(frozen=True, slots=True)
class History:
    """The API's data at the end of a run: complete lists, and the entries of each account."""

    accounts: list[Json]
    transactions: list[Json]
    entries: dict[str, list[Json]]


def violations(history: History, *, frozen_once: Collection[str] = ()) -> list[str]:
    """All differences of the history from the model; empty if it is right.

    Overdraft limits must be those of the opening. `frozen_once` are the accounts that were blocked
    at some time; a refusal as frozen on any other account is a difference.
    """
    found = _broken_sequences(history)
    sides = _sides(history)
    if not found:
        found = _mismatched_entries(history.transactions, sides) + _replay(history, sides)
    return found + _implausible_refusals(history, frozen_once)


def _broken_sequences(history: History) -> list[str]:
    """Each account numbers its entries 1..n, and posting time never runs backwards."""
    found = []
    for account_id, entries in history.entries.items():
        ordered = sorted(entries, key=lambda entry: entry["sequence"])
        if [entry["sequence"] for entry in ordered] != list(range(1, len(entries) + 1)):
            found.append(f"{account_id}: sequences are not 1..{len(entries)}")
        times = [entry["posted_at"] for entry in ordered]
        if times != sorted(times):
            found.append(f"{account_id}: posting time runs backwards")
    return found


Sides = dict[str, dict[str, tuple[str, Json]]]


def _sides(history: History) -> Sides:
    """The DEBIT and the CREDIT entry of each transaction, with their accounts."""
    sides: Sides = defaultdict(dict)
    for account_id, entries in history.entries.items():
        for entry in entries:
            sides[entry["transaction_id"]][entry["side"]] = (account_id, entry)
    return sides


def _expected_changes(transaction: Json) -> dict[tuple[str, str], int]:
    """The transaction's required effect on customers: the signed change by side and account."""
    amount, account = minor_units(transaction["amount"]), transaction["account_id"]
    if transaction["status"] != "COMPLETED":
        return {}
    if transaction["type"] == "DEPOSIT":
        return {("CREDIT", account): amount}
    if transaction["type"] == "WITHDRAW":
        return {("DEBIT", account): -amount}
    return {("DEBIT", account): -amount, ("CREDIT", transaction["target_account_id"]): amount}


def _mismatched_entries(transactions: Iterable[Json], sides: Sides) -> list[str]:
    found, known = [], set()
    for transaction in transactions:
        identifier = transaction["transaction_id"]
        known.add(identifier)
        posted = {
            (side, account_id): minor_units(entry["amount"])
            for side, (account_id, entry) in sides.get(identifier, {}).items()
        }
        if posted != _expected_changes(transaction):
            found.append(f"{identifier}: {transaction['status']} with the entries {posted}")
    return found + [f"{orphan}: entries of no transaction" for orphan in sides.keys() - known]


def _replay(history: History, sides: Sides) -> list[str]:
    """Replays all postings in the model, the entries of each account in order."""
    model = Model()
    for account in history.accounts:
        model.open(account["account_id"], limit=minor_units(account["overdraft_limit"]))
    following = {
        (account_id, entry["sequence"]): identifier
        for identifier, posted in sides.items()
        for account_id, entry in posted.values()
    }
    found, waiting, ahead = [], set(sides), list(model.accounts)
    while ahead:
        account_id = ahead.pop()
        identifier = following.get((account_id, model.accounts[account_id].sequence + 1), "")
        posted = sides[identifier] if identifier else {}
        if identifier and _is_next(model, posted):
            found += _post(model, identifier, posted)
            waiting.remove(identifier)
            ahead += [account_id for account_id, _ in posted.values()]
    if waiting:
        found.append(f"no order explains {len(waiting)} transactions")
    return found + _final_differences(history.accounts, model)


def _is_next(model: Model, posted: Mapping[str, tuple[str, Json]]) -> bool:
    return all(
        entry["sequence"] == model.accounts[account_id].sequence + 1
        for account_id, entry in posted.values()
    )


def _post(model: Model, identifier: str, posted: Mapping[str, tuple[str, Json]]) -> list[str]:
    debited, _ = posted.get("DEBIT", (None, None))
    credited, _ = posted.get("CREDIT", (None, None))
    amount = abs(minor_units(next(iter(posted.values()))[1]["amount"]))
    if refusal := model.move(debited, credited, amount):
        # Post it anyway, so that one wrong result is not reported a hundred times.
        for side, account_id in (("DEBIT", debited), ("CREDIT", credited)):
            if account_id:
                model.accounts[account_id].post(amount if side == "CREDIT" else -amount)
        return [f"{identifier}: completed, and should have been refused: {refusal}"]
    return [
        f"{identifier}: balance after is {entry['balance_after']} in {account_id}"
        for account_id, entry in posted.values()
        if minor_units(entry["balance_after"]) != model.accounts[account_id].balance
    ]


def _final_differences(accounts: Iterable[Json], model: Model) -> list[str]:
    found = []
    for account in accounts:
        expected = model.accounts[account["account_id"]].balance
        if minor_units(account["balance"]) != expected:
            found.append(f"{account['account_id']}: {account['balance']}, replayed {expected}")
        if account["status"] == "CLOSED" and expected != 0:
            found.append(f"{account['account_id']}: closed with {expected}")
    return found


def _implausible_refusals(history: History, frozen_once: Collection[str]) -> list[str]:
    accounts = {account["account_id"]: account for account in history.accounts}
    found = []
    for transaction in history.transactions:
        if transaction["status"] != "FAILED":
            continue
        named = {transaction["account_id"], transaction["target_account_id"]} - {None}
        code = transaction["failure"]["code"]
        if code == "insufficient_funds":
            plausible = _was_short(transaction, accounts, history.entries)
        elif code == "account_frozen":
            plausible = bool(named & set(frozen_once))
        else:
            plausible = code == "account_closed" and any(
                accounts[account_id]["status"] == "CLOSED" for account_id in named
            )
        if not plausible:
            found.append(f"{transaction['transaction_id']}: refused for no reason: {code}")
    return found


def _was_short(
    transaction: Json, accounts: Mapping[str, Json], entries: Mapping[str, list[Json]]
) -> bool:
    """Whether the account was short of funds at the refusal, which has a moment under its lock.

    Two holders of a lock can read the same microsecond; then either balance explains the refusal.
    """
    account_id, at = transaction["account_id"], transaction["updated_at"]
    limit = minor_units(accounts[account_id]["overdraft_limit"])
    ordered = sorted(entries[account_id], key=lambda entry: entry["sequence"])
    before = [entry for entry in ordered if entry["posted_at"] < at]
    during = [entry for entry in ordered if entry["posted_at"] == at]
    balances = [minor_units(entry["balance_after"]) for entry in [*before[-1:], *during]]
    if not before:
        balances.append(0)
    return any(balance + limit < minor_units(transaction["amount"]) for balance in balances)
