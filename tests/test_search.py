"""One table of searches, the same on both databases: case, accents, Unicode forms, order."""

import unicodedata
from decimal import Decimal

import pytest
from django.db.models import Q

from accounts.models import Account
from core.search import contains
from tests.api import API, ApiClient, account_path, client_of, make_user, staff
from tests.factories import make_account, run
from transactions.admin.lookup import find_accounts
from transactions.commands import Deposit
from transactions.models import Transaction

pytestmark = pytest.mark.django_db

NAMES = {
    "jose": "José García",
    "jose in parts": unicodedata.normalize("NFD", "José García"),
    "greek": "Ελληνικά Σοφός",
    "russian": "Ёлка и Чай",
    "german": "Straße Größe",
    "turkish": "İstanbul Işık",
    "office": "o\ufb03ce \ufb01nance",
    "wide": "\uff21\uff22\uff23 \u2460",
    "korean": "한국 은행",
    "hindi": "क़लम हिन्दी",
    "hebrew": "שָׁלוֹם",
    "arabic": "مُحَمَّد",
    "persian": "می\u200cخواهم",
    "vietnamese": "Nguyễn Thị Ánh",
    "signs": r"100% [a-z]* \d+ (x|y) ^$ .? {2} _'\"",
}
# The search, and the keys of the names that it finds.
SEARCHES = [
    ("josé", "jose, jose in parts"),
    ("jose", "jose, jose in parts"),
    ("JOSE\u0301", "jose, jose in parts"),
    ("GARCIA josé", "jose, jose in parts"),
    ("garc sé", "jose, jose in parts"),
    ("jose garcía x", ""),
    ("ελληνικα", "greek"),
    ("ΕΛΛΗΝΙΚΆ", "greek"),
    ("σοφοσ", "greek"),
    ("ΣΟΦΌΣ ελλ", "greek"),
    ("елка", "russian"),
    ("ЁЛКА ЧАИ", "russian"),
    ("strasse", "german"),
    ("STRAẞE GROSSE", "german"),
    ("straße größe", "german"),
    ("istanbul", "turkish"),
    ("office", "office"),
    ("OFFICE finance", "office"),
    ("abc 1", "wide"),
    ("ＡＢＣ", "wide"),
    ("한국", "korean"),
    (unicodedata.normalize("NFD", "은행"), "korean"),
    ("क़लम", "hindi"),
    (unicodedata.normalize("NFD", "क़लम"), "hindi"),
    ("हिन्दी", "hindi"),
    ("שלום", "hebrew"),
    ("محمد", "arabic"),
    ("میخواهم", "persian"),
    ("nguyen anh thi", "vietnamese"),
    ("%", "signs"),
    ("_", "signs"),
    (".", "signs"),
    ("[a-z]*", "signs"),
    (r"\d+", "signs"),
    ("(x|y)", "signs"),
    ("^$", "signs"),
    ("{2}", "signs"),
    ("***", ""),
    ("\\", "signs"),
    ("'\"", ""),
    ("a-z] 100%", "signs"),
]


@pytest.fixture
def accounts() -> dict[str, Account]:
    return {key: make_account(name=name) for key, name in NAMES.items()}


def expected(names: str) -> set[str]:
    return {NAMES[key] for key in names.split(", ") if key}


def test_names_and_descriptions_are_found_by_one_table(accounts: dict[str, Account]) -> None:
    client = staff("supervisor")
    payer, source = make_account(name="Zz"), make_account(name="Source", balance=1)
    for name in NAMES.values():
        run(Deposit(account_id=payer.id, amount=Decimal(1), description=name))
    user = make_user("teller", role="teller")
    for text, names in SEARCHES:
        assert _names(client, text) == expected(names), ascii(text)
        for path in (f"{API}transactions/", account_path(payer, "transactions")):
            rows = client.get(path, {"search": text}).json()["results"]
            assert {row["description"] for row in rows} == expected(names), ascii(text)
        found = find_accounts(text, user=user, source=source)
        assert {account.name for account in found} == expected(names), ascii(text)
        page = client.get("/admin/accounts/account/", {"q": text})
        shown = {account.name for account in page.context["cl"].result_list}
        assert shown == expected(names), ascii(text)
        page = client.get("/admin/transactions/transaction/", {"q": text})
        shown = {row.description for row in page.context["cl"].result_list}
        assert shown == expected(names), ascii(text)


def _names(client: ApiClient, text: str) -> set[str]:
    return {
        row["name"] for row in client.get(f"{API}accounts/", {"search": text}).json()["results"]
    }


def test_every_name_finds_itself_in_every_form(accounts: dict[str, Account]) -> None:
    for name in NAMES.values():
        for form in ("NFC", "NFD", "NFKC", "NFKD"):
            for sought in (name, name.casefold(), " ".join(reversed(name.split()))):
                text = unicodedata.normalize(form, sought)  # type: ignore[arg-type]
                found = Account.objects.filter(contains("name", text))
                assert name in {account.name for account in found}, (ascii(text), form)


def test_a_customer_finds_own_accounts_alone(accounts: dict[str, Account]) -> None:
    customer = make_user("jose")
    own = make_account(name="JOSE", owner_id=customer.pk)
    assert _names(client_of(customer), "josé") == {own.name}


@pytest.mark.parametrize("text", ["", " ", "\u0301", "\u200d"])
def test_no_word_finds_nothing(text: str) -> None:
    account = make_account()
    assert contains("name", text) == Q(pk__in=())
    assert not Account.objects.filter(contains("name", text), pk=account.pk).exists()


def test_the_longest_text_that_may_be_sought(accounts: dict[str, Account]) -> None:
    """Each letter has up to a hundred forms, but a database must still compile the pattern."""
    for text in ("e" * 200, "s" * 200, "ffi" * 66, "e " * 100):
        assert Account.objects.filter(contains("name", text)).count() < len(NAMES)
    assert contains("name", "e " * 100) == contains("name", "E")
    assert not Transaction.objects.filter(contains("description", "e" * 200)).exists()
