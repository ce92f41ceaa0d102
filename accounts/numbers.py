"""Account numbers: ten random digits and two check digits (ISO/IEC 7064, MOD 97-10, as in IBAN)."""

import secrets

from stdnum.iso7064 import mod_97_10

LENGTH = 12
_RANDOM_DIGITS = LENGTH - 2


def new_account_number() -> str:
    """A random number with valid check digits. The database checks that the number is free."""
    # The first digit is not 0, so that a spreadsheet cannot shorten a number.
    lowest = 10 ** (_RANDOM_DIGITS - 1)
    digits = str(lowest + secrets.randbelow(9 * lowest))
    return digits + mod_97_10.calc_check_digits(digits)
