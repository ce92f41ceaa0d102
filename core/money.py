"""Money: exact decimals in Python, whole numbers of 1/10,000 of the main unit in the database.

Every function here is exact. It refuses numbers that would need rounding, and no result depends on
the precision of the caller's `decimal` context.
"""

import re
from decimal import Context, Decimal, Inexact, InvalidOperation
from functools import cache
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import FieldError as QueryFieldError
from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import DatabaseDefault

from core.currencies import minor_units
from core.errors import FieldError, InvalidInput

UNIT_DIGITS = 4  # The most digits of any currency: those of CLF and UYW.
UNITS_PER_MAIN = 10**UNIT_DIGITS

# Limits in main units: of one amount, and of the absolute value of a balance. The latter is 10^18
# units, so BIGINT (9.2 * 10^18) has room for the sum of two.
MAX_AMOUNT = Decimal(10) ** 11
MAX_BALANCE = Decimal(10) ** 14
_MAX_AMOUNT_UNITS = int(MAX_AMOUNT) * UNITS_PER_MAIN
MAX_BALANCE_UNITS = int(MAX_BALANCE) * UNITS_PER_MAIN
# Of a sum of movements in main units. BIGINT has room for such a sum and a balance together.
MAX_TOTAL = 8 * MAX_BALANCE

# This context raises an error instead of rounding, and for an unreasonably long number.
_EXACT = Context(prec=64, traps=[Inexact, InvalidOperation])

if TYPE_CHECKING:
    _DecimalColumn = models.Field[str | int | Decimal | None, Any]
else:
    _DecimalColumn = models.Field

# RFC 8259 without sign and exponent: one form per number, except for trailing zeros.
_PLAIN_DECIMAL = re.compile(r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_MAX_LENGTH = 40


def _with_digits(amount: Decimal, digits: int) -> Decimal:
    """The same number with exactly `digits` decimals. Raises ValueError if it has more."""
    try:
        if amount.is_nan():
            raise InvalidOperation
        return amount.quantize(Decimal(1).scaleb(-digits), context=_EXACT)
    except (Inexact, InvalidOperation):
        raise ValueError(f"A number with at most {digits} decimals is required.") from None


def raw_units(column: str) -> models.Expression:
    """In a query: the bare integer of an amount column, without conversion to Decimal."""
    return models.ExpressionWrapper(models.F(column), output_field=models.BigIntegerField())


def to_units(amount: Decimal) -> int:
    """Main units to a count of 1/10,000. Raises ValueError for more than 4 decimals."""
    return int(_with_digits(amount, UNIT_DIGITS).scaleb(UNIT_DIGITS, context=_EXACT))


def from_units(units: int) -> Decimal:
    """A count of 1/10,000 to main units, with 4 decimals."""
    return Decimal(f"{units}E-{UNIT_DIGITS}")


def parse_amount(value: object) -> Decimal:
    """An amount as a client sent it: text, or a JSON number parsed to int or Decimal.

    Accepts plain decimal notation only: ASCII digits, no sign, exponent, separator, blank or
    leading zeros. Zero is accepted here; `validate_amount` decides whether it is allowed.

    The result of a text keeps the text's decimals, trailing zeros included: "3.000" may be three
    thousand to its writer. A JSON number has one notation in every country, so only its value
    counts, and the result has no trailing zeros.

    Raises ValueError, with a message for the client, for anything else, floats included.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError("An amount is text or a number.")
    text = value if isinstance(value, str) else _plain(value)
    if len(text) > _MAX_LENGTH:
        raise ValueError("The amount is too long.")
    if not _PLAIN_DECIMAL.fullmatch(text):
        raise ValueError('An amount is written as digits with a decimal point, like "500.00".')
    return Decimal(text)


def decimals_of(amount: Decimal) -> int:
    """The number of decimals as written, trailing zeros included."""
    return max(0, -int(amount.as_tuple().exponent))


def _plain(number: int | Decimal) -> str:
    """The number without exponent. Raises ValueError instead of building an absurdly long text."""
    decimal = Decimal(number)
    if not decimal.is_finite():
        raise ValueError("The amount is not a number.")
    _, digits, exponent = decimal.as_tuple()
    if len(digits) > _MAX_LENGTH or abs(int(exponent)) > _MAX_LENGTH:
        raise ValueError("The amount is too long.")
    text = format(decimal, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def is_written_in(amount: Decimal, currency: str) -> bool:
    """Whether the finite number has no more decimals, as written, than the currency has.

    Raises ValueError for an unknown currency.
    """
    return decimals_of(amount) <= minor_units(currency)


def fits(amount: Decimal, currency: str) -> bool:
    """Whether the minor unit can express the value, however many trailing zeros it has.

    Use it for values that the bank itself has computed. Raises ValueError for an unknown currency.
    """
    digits = minor_units(currency)
    try:
        _with_digits(amount, digits)
    except ValueError:
        return False
    return True


def units_to_move(amount: Decimal, currency: str) -> int:
    """`to_units` after `validate_amount`. Raises the errors of `validate_amount`."""
    try:
        scaled = amount.scaleb(UNIT_DIGITS, context=_EXACT)
        units = int(scaled)
        # Most amounts have all decimals of their currency, which is fast to see.
        fits_as_written = amount.same_quantum(_smallest(currency)) or is_written_in(
            amount, currency
        )
    except (ArithmeticError, ValueError):  # NaN, infinite, or too large.
        units, fits_as_written = 0, False
    if not (0 < units <= _MAX_AMOUNT_UNITS and fits_as_written):
        validate_amount(amount, currency)
        raise AssertionError("It says what is wrong with the amount.")
    return units


@cache
def _smallest(currency: str) -> Decimal:
    """One minor unit. Raises ValueError for an unknown currency."""
    return Decimal(1).scaleb(-minor_units(currency))


def validate_amount(
    amount: Decimal, currency: str, *, pointer: str = "/amount", allow_zero: bool = False
) -> None:
    """Raises InvalidInput unless the amount can be moved, or with `allow_zero` be set as a limit.

    It must be above zero, at most MAX_AMOUNT, and have at most as many decimals, as written, as the
    (known) currency in ISO 4217.
    """
    if not amount.is_finite() or amount < 0 or (amount == 0 and not allow_zero):
        least = "zero or more" if allow_zero else "above zero"
        error = FieldError(pointer, "invalid_amount", f"The amount must be {least}.")
    elif amount > MAX_AMOUNT:
        error = FieldError(pointer, "amount_too_large", f"The amount is above {MAX_AMOUNT:f}.")
    elif not is_written_in(amount, currency):
        digits = minor_units(currency)
        detail = f"An amount in {currency} has at most {digits} decimals."
        error = FieldError(pointer, "too_many_decimals", detail)
    else:
        return
    raise InvalidInput(error.detail, errors=[error])


def format_amount(amount: Decimal, currency: str) -> str:
    """Exactly the currency's digits: "500.00" in USD, "500" in JPY. Never an exponent or a "-0".

    Raises ValueError if the amount would have to be rounded, or if the currency is unknown.
    """
    exact = _with_digits(amount, minor_units(currency))
    return format(exact or abs(exact), "f")


def format_units(units: int, currency: str) -> str:
    """As `format_amount`, for a count of 1/10,000: fast, without a Decimal."""
    if units < 0:
        return f"-{format_units(-units, currency)}"
    digits, size = _minor_unit(currency)
    count, rest = divmod(units, size)
    if rest:
        raise ValueError(f"A number with at most {digits} decimals is required.")
    text = str(count)
    if not digits:
        return text
    if len(text) <= digits:
        text = text.zfill(digits + 1)
    return f"{text[:-digits]}.{text[-digits:]}"


@cache
def _minor_unit(currency: str) -> tuple[int, int]:
    """The currency's digits, and its minor unit as a count of 1/10,000."""
    digits = minor_units(currency)
    return digits, 10 ** (UNIT_DIGITS - digits)


class AmountField(_DecimalColumn):
    """A BIGINT column that counts 1/10,000 of the main unit and reads as an exact Decimal.

    It takes Decimal, int and plain decimal text in main units, and raises ValueError for more than
    4 decimals, for more than `most` either way, and for a float, which is never exact.
    Comparison and `Sum` are exact on PostgreSQL and SQLite; `Avg` is cut to units. A CHECK enforces
    the range in the database, and on SQLite also the type, because an overflow there silently
    becomes a float.

    Deliberately not an IntegerField: `F("balance") + Decimal("5")` would add 5 units, not 5.00.
    Django cannot infer the type of that expression, so a query that reads it raises FieldError, and
    so does saving an instance with it. `QuerySet.update` offers no hook to refuse it.
    """

    description = "Exact amount of money"
    # The largest absolute value, in main units.
    most = MAX_BALANCE
    empty_strings_allowed = False

    def get_internal_type(self) -> str:
        return "BigIntegerField"

    def db_check(self, connection: BaseDatabaseWrapper) -> str:
        assert self.column is not None, "Columns are checked once the field has its model."
        column = connection.ops.quote_name(self.column)
        most = to_units(self.most)
        check = f"{column} BETWEEN -{most} AND {most}"
        if connection.vendor == "sqlite":
            check = f"typeof({column}) = 'integer' AND {check}"
        return f"{column} IS NULL OR ({check})" if self.null else check

    def from_db_value(
        self, value: int | Decimal | None, expression: Any, connection: BaseDatabaseWrapper
    ) -> Decimal | None:
        """Accepts the column's integer, or the numeric of a SUM on PostgreSQL."""
        return None if value is None else from_units(int(value))

    def to_python(self, value: Any) -> Decimal | None:
        if value is None:
            return None
        try:
            return from_units(self._to_units(value))
        except ValueError as error:
            raise ValidationError(str(error), code="invalid") from error

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        if value is None or hasattr(value, "resolve_expression"):
            return value
        return self._to_units(value)

    def _to_units(self, value: object) -> int:
        sign = 1
        if isinstance(value, str):
            sign, value = (-1, value[1:]) if value.startswith("-") else (1, value)
            value = parse_amount(value)
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise ValueError(f"An amount is a Decimal, not {type(value).__name__}.")
        units = sign * to_units(Decimal(value))
        if abs(units) > to_units(self.most):
            raise ValueError(f"The amount is beyond {self.most:f}.")
        return units

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = super().pre_save(model_instance, add)
        if hasattr(value, "resolve_expression") and not isinstance(value, DatabaseDefault):
            raise QueryFieldError(f"{self.name} takes an amount, not an expression in units.")
        return value

    def value_to_string(self, obj: models.Model) -> str:
        return format(self.value_from_object(obj), "f")

    def formfield(self, **kwargs: Any) -> forms.Field | None:
        limits = {
            "form_class": forms.DecimalField,
            "max_value": self.most,
            "min_value": -self.most,
            "decimal_places": UNIT_DIGITS,
        }
        return super().formfield(**{**limits, **kwargs})


class TotalField(AmountField):
    """As `AmountField`, for a sum of movements, which may be above any balance: up to MAX_TOTAL."""

    description = "Exact sum of movements"
    most = MAX_TOTAL
