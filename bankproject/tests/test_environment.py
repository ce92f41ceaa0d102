"""The environment is read strictly: misspelt names are refused, empty values count as unset."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from bankproject import environment


@pytest.fixture(autouse=True)
def _names_of_these_tests_are_no_settings(monkeypatch):
    monkeypatch.setattr(environment, "names_read", set())


@pytest.mark.parametrize("value", ["1", "true", "TRUE", " yes ", "On"])
def test_boolean_true(monkeypatch, value):
    monkeypatch.setenv("BANK_X", value)
    assert environment.boolean("BANK_X", default=False) is True


@pytest.mark.parametrize("value", ["0", "false", "No", " off"])
def test_boolean_false(monkeypatch, value):
    monkeypatch.setenv("BANK_X", value)
    assert environment.boolean("BANK_X", default=True) is False


@pytest.mark.parametrize("default", [True, False])
@pytest.mark.parametrize("value", [None, "", "  "])
def test_boolean_not_set_is_the_default(monkeypatch, value, default):
    monkeypatch.delenv("BANK_X", raising=False)
    if value is not None:
        monkeypatch.setenv("BANK_X", value)
    assert environment.boolean("BANK_X", default=default) is default


@pytest.mark.parametrize("value", ["ture", "2", "yess", "none", "$TRUE"])
def test_boolean_misspelt_is_refused(monkeypatch, value):
    monkeypatch.setenv("BANK_X", value)
    with pytest.raises(ImproperlyConfigured, match="BANK_X must be true or false"):
        environment.boolean("BANK_X", default=True)


def test_integer(monkeypatch):
    monkeypatch.setenv("BANK_X", " 12 ")
    assert environment.integer("BANK_X", default=5) == 12
    monkeypatch.setenv("BANK_X", "")
    assert environment.integer("BANK_X", default=5) == 5


@pytest.mark.parametrize("value", ["-1", "+1", "1.0", "1_0", "1e3", "ten", "٣", "²", "0"])
def test_integer_of_another_form_or_too_small_is_refused(monkeypatch, value):
    monkeypatch.setenv("BANK_X", value)
    with pytest.raises(ImproperlyConfigured, match="BANK_X must be a whole number from 1"):
        environment.integer("BANK_X", default=5, minimum=1)


def test_words(monkeypatch):
    monkeypatch.setenv("BANK_X", " a.example , b.example,, ")
    assert environment.words("BANK_X", default=["c"]) == ["a.example", "b.example"]
    monkeypatch.delenv("BANK_X")
    assert environment.words("BANK_X", default=["c"]) == ["c"]


def test_dotenv_yields_to_the_environment(monkeypatch, tmp_path):
    # Set first, so that monkeypatch removes what the file adds.
    monkeypatch.setenv("BANK_NEW", "")
    monkeypatch.delenv("BANK_NEW")
    monkeypatch.setenv("BANK_SET", "from the environment")
    file = tmp_path / ".env"
    file.write_text("# A comment\nBANK_NEW='from the file'\nBANK_SET=from the file\n")
    environment.read_dotenv(file)
    assert environment.text("BANK_NEW") == "from the file"
    assert environment.text("BANK_SET") == "from the environment"


def test_missing_dotenv_is_no_error(tmp_path):
    environment.read_dotenv(tmp_path / ".env")


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("USD", "has 'USD', not CURRENCY:AMOUNT."),
        ("USD:5,USD:6", "has USD twice: which amount is meant?"),
        ("USD:5.001", "has 'USD:5.001': '5.001' is no amount of USD."),
        ("EUR:1,USD:0", "has 'USD:0': '0' is no amount of USD."),
        ("XXQ:5", "has 'XXQ:5': 'XXQ' is no ISO 4217 code."),
    ],
)
def test_amounts_by_currency_say_which_part_is_wrong(monkeypatch, value, fault):
    monkeypatch.setenv("BANK_X", value)
    with pytest.raises(ImproperlyConfigured) as caught:
        environment.amounts("BANK_X")
    assert str(caught.value) == f"BANK_X {fault}"


@pytest.mark.parametrize(
    ("value", "zone"),
    [(None, "UTC"), ("", "UTC"), ("UTC", "UTC"), (" Europe/Berlin ", "Europe/Berlin")],
)
def test_a_time_zone(monkeypatch, value, zone):
    monkeypatch.delenv("BANK_X", raising=False)
    if value is not None:
        monkeypatch.setenv("BANK_X", value)
    assert environment.time_zone("BANK_X", default="UTC") == zone


@pytest.mark.parametrize("value", ["Berlin", "europe/berlin", "+01:00", "../etc/passwd"])
def test_a_time_zone_that_nobody_knows_is_refused(monkeypatch, value):
    monkeypatch.setenv("BANK_X", value)
    with pytest.raises(ImproperlyConfigured, match="BANK_X must be a time zone"):
        environment.time_zone("BANK_X", default="UTC")
