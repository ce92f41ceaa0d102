"""Holds move between banks byte for byte, open and ended ones; older exports have none."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from accounts.commands import ChangeLimits
from accounts.models import Account
from core.commands import Origin
from tests.api import make_user
from tests.exports import contents, export_inside, export_of
from tests.factories import ORIGIN, make_account, make_hold, run
from transactions.batches.post import BatchRequest, post_batch
from transactions.commands import Capture, PlaceHold, VoidHold
from transactions.files.holds import HOLD_FILES
from transactions.models import Hold
from transactions.tests.files.test_import_export import change_row, import_data, refused
from transactions.tests.queueing import assert_clean

pytestmark = pytest.mark.django_db


def fill_bank() -> None:
    """Two open holds, one of them captured in part; one captured with a key; one voided."""
    teller = make_user("teller, of ours", role="teller")
    by_teller = Origin(user_id=teller.pk, caller=f"user:{teller.pk}", address="2001:db8::7")
    account, shop = make_account(balance=100), make_account()
    parts = make_hold(account, 30, target_account_id=shop.pk, description='"Two", parts')
    run(Capture(hold_id=parts.pk, amount=Decimal(12)), by_teller)
    limits = {"max_amount": Decimal(30), "daily_amount": Decimal("99.50"), "daily_count": None}
    run(ChangeLimits(account_id=account.pk, **limits))
    make_hold(account, "0.50", idempotency_key="a, key", request_fingerprint="ab" * 32)
    whole = make_hold(account, 20)
    items = [
        VoidHold(
            hold_id=make_hold(account, 2).pk, idempotency_key="v", request_fingerprint="ef" * 32
        )
    ]
    items += [PlaceHold(account_id=account.pk, amount=Decimal(one)) for one in (3, 31)]
    post_batch(BatchRequest(items, atomic=False, has_holds=True), by_teller)
    run(Capture(hold_id=whole.pk, amount=Decimal(15), final=True), by_teller)
    run(VoidHold(hold_id=make_hold(account, 5).pk, reason="=1+1"), by_teller)


@pytest.fixture
def exported(archive_file: Path, tmp_path: Path) -> Path:
    return export_of(fill_bank, tmp_path / "exported")


def test_holds_come_out_again_as_they_went_in(exported: Path, tmp_path: Path) -> None:
    counts = import_data(exported)
    assert (counts["holds"], counts["captures_of_holds"]) == (6, 2)
    assert counts["items_about_holds"] == 3
    again = contents(export_inside(tmp_path / "again"))
    for name, data in contents(exported).items():
        assert again[name] == data, name
    assert counts["accounts_with_limits"] == 1
    (limited,) = Account.objects.exclude(max_amount=None)
    assert (limited.daily_amount, limited.daily_count) == (Decimal("99.50"), None)
    assert max(Account.objects.values_list("held", flat=True)) == Decimal("21.50")
    parts = Hold.objects.earliest("id")
    run(Capture(hold_id=parts.pk), ORIGIN)
    assert_clean()


def test_an_export_without_holds_loads_as_before(exported: Path) -> None:
    manifest = json.loads((exported / "manifest.json").read_text())
    newer = {each.file_name for each in HOLD_FILES}
    manifest["files"] = [entry for entry in manifest["files"] if entry["name"] not in newer]
    (exported / "manifest.json").write_text(json.dumps(manifest))
    for name in newer:
        (exported / name).unlink()
    assert "holds" not in import_data(exported)
    assert not Hold.objects.exists()
    assert_clean()


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        (1, {"expires_at": "2001-01-31T09:30:00.000000Z"}),
        (1, {"amount": "0.00"}),
        (1, {"captured": "31.00"}),
        (1, {"captured": "11.00"}),
        (1, {"status": "VOIDED"}),
        (3, {"ended_at": ""}),
        (1, {"currency": "XXX"}),
    ],
)
def test_a_bad_hold_is_refused(exported: Path, line: int, cells: dict[str, str]) -> None:
    change_row(exported, "holds.csv", line, **cells)
    assert refused(exported)
    assert not Hold.objects.exists()


def test_cells_that_the_bank_never_writes_are_refused_by_their_lines(exported: Path) -> None:
    limits, events = "account_limits.csv", "hold_events.csv"
    change_row(exported, limits, 1, max_amount="-5.00", daily_amount="1.005", daily_count="1000001")
    change_row(exported, events, 1, captured="-7.00")
    change_row(exported, events, 2, event="LOST")
    change_row(exported, "accounts.csv", 2, overdraft_limit="0.001")
    told = "\n".join(refused(exported))
    for sentence in (
        "account_limits.csv, line 2, column daily_amount: USD has at most 2 decimals.",
        "hold_events.csv, line 2, column captured: The amount must be zero or more.",
        "hold_events.csv, line 3, column event: 'LOST' is not known here.",
        "accounts.csv, line 3, column overdraft_limit: USD has at most 2 decimals.",
    ):
        assert sentence in told
    change_row(exported, limits, 1, daily_amount="1.00")
    told = "\n".join(refused(exported))
    limit = "A limit is zero or more, and at most 100000000000."
    assert f"{limits}, line 2, column max_amount: {limit}" in told
    assert f"{limits}, line 2, column daily_count: A number from 0 to 1000000." in told
