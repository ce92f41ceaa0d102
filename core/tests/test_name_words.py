"""The words of names: which are stored and kept, and how a search finds their rows."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client

from accounts.commands import GiveCustomer, GiveUser, RenameAccount
from accounts.models import Account
from accounts.words import AccountWord, UserWord
from core import name_words, words_in_background
from core.name_words import MAX_LENGTH, catch_up, mend, rows_named, sought_words, words_of
from core.nearest_names import after_migrate
from core.words_in_background import WordsOfNames
from customers.commands import ChangeCustomer
from tests.concurrency.interleaving import rival
from tests.factories import make_account, make_customer, run

pytestmark = pytest.mark.django_db


def named(text: str) -> set[str]:
    keys = [key for (key,) in rows_named(AccountWord, text)]
    return {account.name for account in Account.objects.filter(pk__in=keys)}


def stored(account: Account) -> set[str]:
    return set(AccountWord.objects.filter(row=account).values_list("word", flat=True))


def test_words_are_folded_and_split_at_blanks_and_signs() -> None:
    assert words_of("José  O'Brien-Smith", "ADA_l") == {
        *("jose", "o'brien-smith", "o", "brien", "smith", "ada_l", "ada", "l")
    }
    assert words_of("Straße") == {"strasse"}
    assert words_of("", "\u0301") == set()
    assert words_of("x" * 300) == {"x" * MAX_LENGTH}
    assert sought_words("ada  LOVELACE ada") == ["lovelace", "ada"]
    assert sought_words("Lovelace, Ada;") == ["lovelace", "ada"]
    assert sought_words(", O'Brien") == ["o'brien", ","]


def test_every_word_must_begin_a_word_in_any_order() -> None:
    make_account(name="Ada Lovelace")
    make_account(name="Ada King")
    make_account(name="Zoë Adams-Lovell")
    assert named("ada") == {"Ada Lovelace", "Ada King", "Zoë Adams-Lovell"}
    assert named("LOVE ada") == {"Ada Lovelace", "Zoë Adams-Lovell"}
    assert named("zoe") == {"Zoë Adams-Lovell"}
    assert named("lace") == named("ada nobody") == named(" ") == named("%") == set()


def test_words_follow_the_names_of_accounts_and_owners() -> None:
    owner = User.objects.create_user("countess")
    account = make_account(name="Ada Lovelace", owner_id=owner.pk)
    assert stored(account) == {"ada", "lovelace", "countess"}
    run(RenameAccount(account_id=account.id, name="Ada King"))
    assert stored(account) == {"ada", "king", "countess"}
    owner.username, owner.first_name = "augusta", "Byron"
    owner.save()
    assert stored(account) == {"ada", "king", "augusta"}
    words = UserWord.objects.filter(row=owner).values_list("word", flat=True)
    assert set(words) == {"augusta", "byron"}


def test_words_follow_the_name_of_the_customer() -> None:
    customer = make_customer(name="Grace Hopper")
    opened, given = make_account(name="Savings", customer_id=customer.pk), make_account(name="Till")
    assert stored(opened) == {"savings", "grace", "hopper"}
    run(GiveCustomer(account_id=given.id, customer_id=customer.pk))
    assert stored(given) == {"till", "grace", "hopper"}
    user = User.objects.create_user("admiral")
    owned = make_account(name="Purse", owner_id=user.pk)
    run(GiveUser(customer_id=customer.pk, user_id=user.pk))
    assert stored(opened) == {"savings", "grace", "hopper", "admiral"}
    assert stored(owned) == {"purse", "grace", "hopper", "admiral"}
    run(ChangeCustomer(customer_id=customer.pk, details={"name": "Grace Murray"}))
    assert stored(owned) == {"purse", "grace", "murray", "admiral"}


def test_a_change_of_a_customer_s_details_costs_no_words_of_accounts() -> None:
    customer = make_customer(name="Grace Hopper")
    account = make_account(name="Savings", customer_id=customer.pk)
    AccountWord.objects.filter(row=account).delete()
    run(ChangeCustomer(customer_id=customer.pk, details={"phone": "555 0100"}))
    assert stored(account) == set()


def test_a_login_costs_no_words(client: Client, django_assert_num_queries: Any) -> None:
    user = User.objects.create_user("tessa")
    with django_assert_num_queries(1):
        user.save(update_fields=["last_login"])


def test_what_lacks_its_words_gets_them() -> None:
    """As after an import, or beside an older release."""
    lost, stale = make_account(name="Ada"), make_account(name="Grace")
    AccountWord.objects.filter(row=lost).delete()
    AccountWord.objects.filter(row=stale).update(word="hopper")
    after_migrate(using="default")
    assert catch_up() == 0
    assert stored(lost) == {"ada"}
    assert stored(stale) == {"hopper"}
    assert sum(mend()) == 1
    assert stored(stale) == {"grace"}
    assert sum(mend()) == 0


def test_a_name_that_changes_while_it_is_mended_keeps_its_new_words() -> None:
    account = make_account(name="Grace Murray")
    assert name_words._mend(AccountWord, {account.pk: {"grace", "hopper"}}) == 1
    assert stored(account) == {"grace", "murray"}


def test_workers_mend_some_pages_at_a_time_once_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_words, "_ROWS_AT_ONCE", 1)
    monkeypatch.setattr(words_in_background, "_PAGES_AT_ONCE", 2)
    accounts = [make_account(name=f"Ada{number}") for number in range(5)]

    def spoil() -> None:
        AccountWord.objects.all().delete()

    def right() -> int:
        return AccountWord.objects.filter(word__startswith="ada").count()

    job, looks = WordsOfNames(), [0]
    spoil()
    while right() < len(accounts) and len(looks) < 20:
        job.work()
        looks.append(right())
        assert looks[-1] - looks[-2] <= 2
    assert right() == len(accounts)
    while job._round is not None:
        job.work()
    spoil()
    job.work()
    assert right() == 0, "the next round is tomorrow"
    job._next_round = 0
    job.work()
    assert right() > 0


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_migrate_that_waits_too_long_for_words_is_not_done() -> None:
    """So that it tries again, and search has the index of the nearest words."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '20ms'")
    with rival() as writer:
        writer.session.execute(f"LOCK TABLE {AccountWord._meta.db_table} IN ROW EXCLUSIVE MODE")
        with pytest.raises(OperationalError, match="lock timeout"):
            after_migrate(using="default")
    connection.close()
    after_migrate(using="default")
