"""Value dates of the items of a batch, and of the lines of a file."""

import json
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Account
from tests.api import API, ApiClient, account_path, bad_fields, make_user, shown, staff
from tests.assertions import nothing_changes
from tests.factories import make_account
from transactions.models import Entry, Transaction
from transactions.tests.queueing import work

# A commit settles the keys, so the tests must commit.
pytestmark = pytest.mark.django_db(transaction=True)

PATH = f"{API}transactions/batch/"
QUEUED = {"Prefer": "respond-async"}


@pytest.fixture(autouse=True)
def ten_days(settings: Any) -> None:
    settings.BANK_BACKDATE_DAYS = 10


@pytest.fixture
def account() -> Account:
    return make_account(balance=50)


@pytest.fixture
def teller() -> ApiClient:
    return staff("teller")


def ago(days: float) -> datetime:
    return timezone.now() - timedelta(days=days)


def item(account: Account, at: datetime | str | None, **members: Any) -> dict[str, Any]:
    """A deposit with this value date."""
    date = shown(at) if isinstance(at, datetime) else at
    base = {"type": "DEPOSIT", "account_id": str(account.id), "amount": "1.25"}
    return base | {"effective_at": date} | members


def post(client: ApiClient, *items: dict[str, Any], **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(PATH, {"transactions": list(items)}, headers=named)


def dates(account: Account) -> list[datetime]:
    """Value dates of the account's transactions except the first, in the order of the requests."""
    rows = Entry.objects.filter(account_id=account.id).select_related("transaction")
    return [row.transaction.effective_at for row in rows.order_by("sequence")][1:]


@pytest.mark.parametrize("queued", [False, True], ids=["", "queued"])
def test_each_item_has_its_own(account: Account, teller: ApiClient, queued: bool) -> None:
    given = [ago(3), ago(9), ago(1)]
    to_other = {"type": "TRANSFER", "target_account_id": str(make_account().id)}
    kinds = [{}, {"type": "WITHDRAW"}, to_other]
    items = [item(account, at, **kind) for at, kind in zip(given, kinds, strict=True)]
    answer = post(teller, *items, item(account, None), **(QUEUED if queued else {}))
    assert answer.status_code == (202 if queued else 200), answer.json()
    if queued:
        assert work() == 4
    *told, last = dates(account)
    assert told == given
    newest = Transaction.objects.latest("id")
    assert last == newest.effective_at == newest.created_at


@pytest.mark.parametrize("atomic", [False, True], ids=["", "atomic"])
@pytest.mark.parametrize("headers", [{}, QUEUED], ids=["", "queued"])
def test_bad_value_dates_are_reported_with_all_other_errors(
    account: Account, teller: ApiClient, atomic: bool, headers: dict[str, str]
) -> None:
    items = [
        item(account, ago(1)),
        item(account, ago(-1)),
        item(account, None),
        item(account, ago(11)),
        item(account, ago(2), type="TRANSFER", target_account_id=str(account.id)),
    ]
    body = {"atomic": atomic, "transactions": items}
    with nothing_changes():
        response = teller.post(PATH, body, headers=headers)
    assert bad_fields(response) == [
        ("/transactions/1/effective_at", "in_the_future"),
        ("/transactions/3/effective_at", "too_long_ago"),
        ("/transactions/4/target_account_id", "same_account"),
    ]


@pytest.mark.parametrize(
    ("at", "code"),
    [
        ("2026-02-30T00:00:00Z", "out_of_range"),
        ("2026-01-31T09:30:00", "invalid"),
        ("2026-01-31", "invalid"),
        ("", "invalid"),
        (1769851800, "invalid"),
        (["2026-01-31T09:30:00Z"], "invalid"),
    ],
)
def test_what_is_no_moment_is_refused(
    account: Account, teller: ApiClient, at: Any, code: str
) -> None:
    with nothing_changes():
        response = post(teller, item(account, at))
    assert bad_fields(response) == [("/transactions/0/effective_at", code)]


def test_none_is_taken_where_it_is_switched_off(
    account: Account, teller: ApiClient, settings: Any
) -> None:
    settings.BANK_BACKDATE_DAYS = 0
    with nothing_changes():
        response = post(teller, item(account, ago(1)))
    assert bad_fields(response) == [("/transactions/0/effective_at", "not_allowed")]
    assert post(teller, item(account, None)).status_code == 200


def test_customers_give_none(account: Account) -> None:
    ada = make_user("ada")
    own = make_account(balance=5, owner_id=ada.pk)
    client = ApiClient()
    client.force_login(ada)
    with nothing_changes():
        assert post(client, item(own, ago(1))).status_code == 403


def test_an_item_with_a_key_is_the_same_as_a_request_of_its_own(
    account: Account, teller: ApiClient
) -> None:
    keyed = item(account, ago(3), idempotency_key="one")
    first = post(teller, keyed, Idempotency_Key="all").json()
    body = {"amount": "1.25", "effective_at": keyed["effective_at"]}
    path = account_path(account, "deposit")
    with nothing_changes():
        again = teller.post(path, body, headers={"Idempotency-Key": "one"})
        other = body | {"effective_at": shown(ago(2))}
        reused = teller.post(path, other, headers={"Idempotency-Key": "one"})
        whole = post(teller, keyed, Idempotency_Key="all")
        changed = post(teller, keyed | {"effective_at": shown(ago(2))}, Idempotency_Key="all")
    assert again["Idempotent-Replayed"] == whole["Idempotent-Replayed"] == "true"
    assert again.json()["transaction_id"] == first["results"][0]["transaction_id"]
    assert reused.status_code == changed.status_code == 422


@pytest.mark.parametrize("headers", [{}, QUEUED], ids=["", "queued"])
@pytest.mark.parametrize("later", ["off", "too old"])
def test_a_replay_works_when_its_value_date_is_no_longer_accepted(
    account: Account, teller: ApiClient, settings: Any, headers: dict[str, str], later: str
) -> None:
    """In a single request, as an item, and in a batch with a key."""
    body = {"amount": "1.25", "effective_at": shown(ago(3))}
    keyed = item(account, body["effective_at"], idempotency_key="item")
    alone = {"Idempotency-Key": "alone", **headers}
    path = account_path(account, "deposit")
    first = teller.post(path, body, headers=alone)
    assert first.status_code in (200, 202)
    assert post(teller, keyed, **headers).status_code in (200, 202)
    batch = post(teller, item(account, body["effective_at"]), Idempotency_Key="all", **headers)
    assert batch.status_code in (200, 202)
    settings.BANK_BACKDATE_DAYS = 0 if later == "off" else 1
    with nothing_changes():
        again = teller.post(path, body, headers=alone)
        tried = teller.post(f"{path}?dry_run=true", body, headers=alone)
        answers = [
            post(teller, keyed, **headers),
            post(teller, item(account, body["effective_at"]), Idempotency_Key="all", **headers),
        ]
        new = {"Idempotency-Key": "new", **headers}
        assert bad_fields(teller.post(path, body, headers=new))[0][0] == "/effective_at"
        other = body | {"amount": "1.26"}
        assert teller.post(path, other, headers=alone).status_code == 422
    assert again.json()["transaction_id"] == first.json()["transaction_id"]
    assert tried.json()["replays"] == first.json()["transaction_id"]
    for answer in answers:
        assert answer.status_code in (200, 202), answer.json()
        assert answer.json()["results"][0]["replayed"]


HEADER = "type,account_id,target_account_id,amount,description,effective_at,idempotency_key"


def file_of(folder: Path, suffix: str, *items: dict[str, Any]) -> Path:
    path = folder / f"interest{suffix}"
    if suffix == ".csv":
        names = HEADER.split(",")
        lines = [",".join(one.get(name) or "" for name in names) for one in items]
        path.write_text("\n".join([HEADER, *lines, ""]))
    else:
        path.write_text("".join(json.dumps(one) + "\n" for one in items))
    return path


def post_file(path: Path, *options: str) -> dict[str, Any]:
    out = StringIO()
    call_command("post_batch", str(path), *options, stdout=out)
    summary: dict[str, Any] = json.loads(out.getvalue())
    return summary


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_file_has_them_in_a_column(account: Account, tmp_path: Path, suffix: str) -> None:
    given = [ago(3), ago(1)]
    items = [item(account, at) for at in given]
    path = file_of(tmp_path, suffix, *items, item(account, None))
    with nothing_changes():
        assert post_file(path, "--dry-run")["completed"] == 3
    assert post_file(path)["completed"] == 3
    assert dates(account)[:2] == given


def test_bad_value_dates_of_a_file_are_reported_by_line(account: Account, tmp_path: Path) -> None:
    items = [item(account, at) for at in (ago(1), ago(-1), "2026-01-31T09:30:00")]
    path = file_of(tmp_path, ".csv", *items)
    with nothing_changes(), pytest.raises(CommandError) as refusal:
        post_file(path)
    (_, future, formless) = str(refusal.value).splitlines()
    assert future == "Line 3: effective_at: A value date lies in the past."
    assert formless.startswith("Line 4: effective_at: A date and time with an offset is required")
    path = file_of(tmp_path, ".csv", item(account, ago(11)), *items[:2])
    with nothing_changes(), pytest.raises(CommandError) as refusal:
        post_file(path)
    assert str(refusal.value).splitlines()[1:] == [
        "Line 2: effective_at: A value date lies at most 10 days back.",
        "Line 4: effective_at: A value date lies in the past.",
    ]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_file_run_again_later_does_nothing_twice(
    account: Account, tmp_path: Path, suffix: str
) -> None:
    """Its results are lost and its dates too old by now; each line is a replay by its key."""
    path = file_of(tmp_path, suffix, item(account, ago(9)), item(account, None))
    assert post_file(path)["completed"] == 2
    path.with_name(f"{path.name}.results").unlink()
    with time_machine.travel(ago(-2), tick=True), nothing_changes():
        summary = post_file(path)
    assert (summary["completed"], summary["replayed"]) == (2, 2)
