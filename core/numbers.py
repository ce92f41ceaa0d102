"""Numbers with two check digits (ISO/IEC 7064, MOD 97-10, as in IBAN), the rest random."""

import secrets

from stdnum.iso7064 import mod_97_10

# The digits of an account's number. A customer's number is shorter, so nobody confuses the two.
LENGTH = 12
_CHECK_DIGITS = 2


def new_account_number() -> str:
    """A random number for an account. The database checks that the number is free."""
    return new_number(LENGTH)


def new_number(length: int) -> str:
    """A random number of `length` digits, valid check digits included."""
    # The first digit is not 0, so that a spreadsheet cannot shorten a number.
    lowest = 10 ** (length - _CHECK_DIGITS - 1)
    digits = str(lowest + secrets.randbelow(9 * lowest))
    return digits + mod_97_10.calc_check_digits(digits)


def is_valid_number(number: str) -> bool:
    """Whether the check digits of a number fit its other digits."""
    return number.isascii() and number.isdigit() and bool(mod_97_10.is_valid(number))
