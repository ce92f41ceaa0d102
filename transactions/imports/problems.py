"""Problems of imported files, by file, line and column, up to a limit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

MAX_LISTED = 20


@dataclass(frozen=True, slots=True)
class ImportProblem:
    """A place in a file and its problem, as a sentence.

    `line` counts from 1, the header included; for a record of several lines it is the first. 0 is
    the file as a whole. `column` is a name of the header, or empty for the record as a whole.
    """

    file: str
    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        line = f", line {self.line}" if self.line else ""
        column = f", column {self.column}" if self.column else ""
        place = f"{self.file}{line}{column}"
        return f"{place}: {self.reason}" if place else self.reason


@dataclass(slots=True)
class Problems:
    """Counts all problems and keeps the first ones."""

    count: int = 0
    listed: list[ImportProblem] = field(default_factory=list)

    def add(self, problem: ImportProblem) -> None:
        self.count += 1
        if len(self.listed) < MAX_LISTED:
            self.listed.append(problem)

    def extend(self, problems: Iterable[ImportProblem]) -> None:
        for problem in problems:
            self.add(problem)

    def lines(self) -> list[str]:
        more = self.count - len(self.listed)
        return [*map(str, self.listed), *([f"and {more:,} more"] if more else [])]


class ImportRefused(Exception):
    """Nothing was loaded. The message says why; `problems` lists the places in the files."""

    def __init__(self, message: str, problems: Problems | None = None) -> None:
        super().__init__(message)
        self.problems = problems or Problems()


class ImportBusy(ImportRefused):
    """Another user writes to the bank. A later attempt may succeed."""


class LaterTransactions(ImportRefused):
    """The archive has transactions that the export lacks. Nothing was loaded."""


class ImportFileError(Exception):
    """A file that cannot be read any further."""

    def __init__(self, problem: ImportProblem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """The result of an import, or of a dry run: `counts` by name.

    `remarks` lists adjustments; `left` lists transactions in the archive but not in the bank.
    """

    source: str
    counts: Mapping[str, int]
    remarks: Problems = field(default_factory=Problems)
    left: Problems = field(default_factory=Problems)
