"""Verification reports: kinds of findings, each with a bounded number of places."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

# The number of places kept of each kind. A broken ledger can break a rule a million times.
MAX_PLACES = 100
# The most accounts whose damage is remembered.
MAX_DAMAGED = 10_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a rule is broken, and how. `where` names an account, a transaction, a sequence ..."""

    where: Mapping[str, str | int]
    expected: str | None = None
    found: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {**self.where, "expected": self.expected, "found": self.found}

    def __str__(self) -> str:
        where = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in self.where.items())
        return f"{where}: expected {self.expected or 'nothing'}, found {self.found or 'nothing'}"


@dataclass(slots=True)
class Finding:
    """A broken rule, in words, with a stable code.

    `count` is the number of all places; `places` has the first of them.
    """

    code: str
    rule: str
    count: int = 0
    places: list[Place] = field(default_factory=list)

    @property
    def invariant(self) -> str:
        return self.code.partition(".")[0]

    @property
    def is_about_money(self) -> bool:
        return is_about_money(self.code)

    def add(self, place: Place) -> None:
        self.count += 1
        if len(self.places) < MAX_PLACES:
            self.places.append(place)

    def as_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "invariant": self.invariant,
            "rule": self.rule,
            "count": self.count,
            "places": [place.as_json() for place in self.places],
        }

    def lines(self) -> Iterator[str]:
        yield f"{self.code}: {self.rule} Broken {self.count:,} times."
        for place in self.places:
            yield f"  {place}"
        if self.count > len(self.places):
            yield f"  and {self.count - len(self.places):,} more"


def is_about_money(code: str) -> bool:
    """Whether the rule is about amounts and balances (M1 to M4), not about times or files."""
    return code.startswith("M")


class Collector:
    """Findings by code, while the passes run."""

    def __init__(self) -> None:
        self._by_code: dict[str, Finding] = {}
        self.damaged: dict[str, set[str]] = {}

    def add(self, code: str, rule: str, place: Place) -> None:
        self._by_code.setdefault(code, Finding(code, rule)).add(place)
        account = place.where.get("account_id")
        if account and is_about_money(code):
            account = str(account)
            if account in self.damaged or len(self.damaged) < MAX_DAMAGED:
                self.damaged.setdefault(account, set()).add(code)

    def findings(self) -> list[Finding]:
        return [self._by_code[code] for code in sorted(self._by_code)]


@dataclass(frozen=True, slots=True)
class Report:
    """The checked rows, as counts by name, and the findings, in the order of their codes.

    `damaged` has the ids of accounts where rules about money are broken, with the codes: up to
    MAX_DAMAGED accounts, also those that no kept place names.
    """

    checked: Mapping[str, int]
    findings: list[Finding]
    damaged: Mapping[str, Set[str]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.findings

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "checked": dict(self.checked),
            "findings": [finding.as_json() for finding in self.findings],
        }

    def lines(self) -> Iterator[str]:
        """The report for people."""
        counted = (f"{count:,} {name.replace('_', ' ')}" for name, count in self.checked.items())
        yield f"Checked: {', '.join(counted)}."
        if self.ok:
            yield "Nothing found: every rule holds."
        for finding in self.findings:
            yield from finding.lines()
