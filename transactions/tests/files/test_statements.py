"""Statements move between banks, byte for byte and proved; older exports have none."""

import json
from pathlib import Path

import pytest

from core.commands import Origin
from statements.issuing import issue_for_all
from statements.models import Statement
from statements.periods import Month
from statements.tests.monthly_bank import DECEMBER, NOVEMBER, all_digests, at, make_monthly_bank
from tests.api import make_user
from tests.exports import contents, export_inside, export_of
from transactions.tests.files.test_import_export import (
    UNKNOWN_ID,
    change_row,
    import_data,
    refused,
)
from transactions.tests.queueing import assert_clean

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("patient")]


def fill_bank() -> None:
    make_monthly_bank()
    susan = make_user("susan", role="supervisor")
    with at(NOVEMBER):
        origin = Origin(user_id=susan.pk, caller=f"user:{susan.pk}")
        issue_for_all(Month.parse("2025-09"), origin=origin)
    with at(DECEMBER):
        issue_for_all(Month.parse("2025-11"), origin=Origin(caller="job:issue_statements"))


@pytest.fixture
def exported(archive_file: Path, tmp_path: Path) -> Path:
    return export_of(fill_bank, tmp_path / "exported")


def test_statements_come_out_again_as_they_went_in(exported: Path, tmp_path: Path) -> None:
    assert import_data(exported)["statements"] == 8
    assert contents(export_inside(tmp_path / "again")) == contents(exported)
    first = Statement.objects.filter(number=1, account__name="Ada").get()
    assert first.issued_by is not None
    assert (first.issued_by.get_username(), first.caller) == (
        "susan",
        f"user:{first.issued_by.pk}",
    )
    assert_clean()


def test_issuing_goes_on_in_the_new_bank(exported: Path) -> None:
    import_data(exported)
    before = all_digests()
    with at(DECEMBER.replace(year=2026, month=1)):
        assert issue_for_all(Month.parse("2025-12"), origin=Origin()) == 3
    assert before.items() <= all_digests().items()
    assert_clean()


def test_an_export_without_statements_loads_as_before(exported: Path) -> None:
    manifest = json.loads((exported / "manifest.json").read_text())
    manifest["files"] = [one for one in manifest["files"] if one["name"] != "statements.csv"]
    (exported / "manifest.json").write_text(json.dumps(manifest))
    (exported / "statements.csv").unlink()
    assert "statements" not in import_data(exported)
    assert not Statement.objects.exists()
    assert_clean()


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("period", "2025-1234", "It has more than 7 characters."),
        ("number", "01", "A whole number is written as digits"),
        ("opening_balance", "1.5", "This amount is written as 1.50."),
        ("currency", "XXX", "'XXX' is not known here."),
        ("account_id", UNKNOWN_ID, f"There is no {UNKNOWN_ID}"),
        ("previous_id", UNKNOWN_ID, f"There is no {UNKNOWN_ID}"),
    ],
)
def test_a_bad_cell_of_a_statement_is_named(
    exported: Path, column: str, cell: str, reason: str
) -> None:
    change_row(exported, "statements.csv", 3, **{column: cell})
    assert any(
        line.startswith(f"  statements.csv, line 4, column {column}: ") and reason in line
        for line in refused(exported)
    )


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("digest", "0" * 64),
        ("count", "7"),
        ("closing_balance", "1.00"),
        ("ends_at", "2025-10-02T00:00:00.000000Z"),
    ],
)
def test_a_changed_statement_is_refused(exported: Path, column: str, cell: str) -> None:
    """By the guards, or by the verifier, which derives it from the entries."""
    change_row(exported, "statements.csv", 3, **{column: cell})
    assert refused(exported)
    assert not Statement.objects.exists()
