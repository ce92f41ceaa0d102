"""An operator imports files of the earlier system that have errors in them.

The bank is an operator's; on PostgreSQL it has the documented roles. The move from SQLite to
PostgreSQL is in tests/test_documented_commands.py.
"""

import re
import shutil
from pathlib import Path

import pytest

from tests.operated import OperatedBank, operated_bank

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

# The files have a byte order mark, blank lines at the end, and names in several scripts.
FILES = Path(__file__).resolve().parent / "earlier_system"
CAIRO = ("--time-zone", "Africa/Cairo")
NEVER, MENDED = "2026-04-24T00:30:00", "2026-04-24T01:30:00"
NO_SUCH_TIME = (
    "transactions.csv, line 9, column timestamp: There is no such time in Africa/Cairo: clocks"
    " were set forward."
)
_COMES_TO = "The balance is 12.00, but the history adds up to 10.00."
UNEXPLAINED = [
    "accounts.csv, line 4, column account_name: The name is blank.",
    f"accounts.csv, line 6, column account_balance: {_COMES_TO}",
    "transactions.csv, line 10, column amount: USD has at most 2 decimals.",
]
# Rows of the hour that came twice: 23:10 and 23:50, then 23:10 and 23:30 again.
TWICE = [5, 6, 7, 8]
BALANCES = {
    "Mona Farouk": "151.75",
    "Karim, \u201cthe baker\u201d": "48.25",
    "Account 3": "100.00",
    "Zo\u00eb O'Neill": "75.00",
    "Hany Aziz": "12.00",
}


def load(bank: OperatedBank, folder: Path, *options: str) -> tuple[int, str, list[str]]:
    """Imports as `bank_app`; returns exit code, standard output, and lines of standard error."""
    code, out, err = bank.run("manage.py", "import_data", str(folder), *CAIRO, *options)
    assert "Traceback" not in err, err
    return code, out, [line.strip() for line in err.splitlines()]


def problems(told: list[str]) -> list[str]:
    return sorted(line for line in told if re.match(r"\w+\.csv, line ", line))


def require_refused(bank: OperatedBank, folder: Path, *options: str) -> list[str]:
    """Asserts that nothing is loaded; returns the problems."""
    code, out, told = load(bank, folder, *options)
    assert (code, out, told[-1]) == (1, "", "Nothing was loaded.")
    return problems(told)


def test_the_files_of_the_earlier_system_move_in(tmp_path: Path) -> None:
    folder = tmp_path / "earlier"
    shutil.copytree(FILES, folder)
    with operated_bank(tmp_path) as bank:
        # One run reports everything. Unreadable cells must be corrected in the file; nothing
        # adjusts them.
        for options in ((), ("--dry-run",)):
            assert require_refused(bank, folder, *options) == sorted([*UNEXPLAINED, NO_SUCH_TIME])
        assert NO_SUCH_TIME in require_refused(bank, folder, "--adjust")
        path = folder / "transactions.csv"
        path.write_bytes(path.read_bytes().replace(NEVER.encode(), MENDED.encode()))
        assert require_refused(bank, folder) == sorted(UNEXPLAINED)

        code, _, told = load(bank, folder, "--adjust")
        assert code == 0, told
        notes = [line.removeprefix("Note: ") for line in told]
        twice = [line for line in notes if "comes twice in Africa/Cairo" in line]
        assert [int(line.split("line ")[1].split(",")[0]) for line in twice] == TWICE
        assert sorted(set(notes) - set(twice)) == sorted(UNEXPLAINED)
        bank.require_true_books()

        with bank.served("chief") as client:
            accounts = client.all_of("accounts/?page_size=100")
            rows = client.all_of("transactions/?page_size=100")
            found = {one["name"]: one["balance"] for one in accounts if one["name"] in BALANCES}
            assert found == BALANCES
            adjusted = [row for row in rows if row["description"].startswith("Adjustment on ")]
            assert [(row["type"], row["amount"]) for row in adjusted] == [("DEPOSIT", "2.00")]
            # The bank works.
            status, paid = client.post(
                f"accounts/{accounts[0]['account_id']}/deposit/", {"amount": "1.00"}
            )
            assert status == 200, paid
        bank.require_true_books()
