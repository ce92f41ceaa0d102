"""The words of names: which are stored and kept, and how a search finds their rows."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from accounts.commands import RenameAccount
from accounts.models import Account
from accounts.words import AccountWord, UserWord
from core.name_words import MAX_LENGTH, catch_up, rows_named, sought_words, words_of
from core.nearest_names import after_migrate
from tests.factories import make_account, run

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
    assert catch_up(whole=True) == 1
    assert stored(stale) == {"grace"}
    assert catch_up(whole=True) == 0
