from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.iso7064 import mod_97_10

from core.numbers import LENGTH, new_account_number


@pytest.mark.parametrize("random", [0, 1, 8_999_999_999])
def test_a_new_number_has_its_check_digits(random: int) -> None:
    with patch("core.numbers.secrets.randbelow", return_value=random) as draw:
        number = new_account_number()
    draw.assert_called_once_with(9_000_000_000)
    assert number[:10] == str(1_000_000_000 + random)
    assert len(number) == LENGTH == 12
    assert mod_97_10.is_valid(number)
    # ISO 7064, MOD 97-10: the whole number leaves a remainder of 1.
    assert int(number) % 97 == 1


@given(st.integers(0, LENGTH - 1), st.integers(1, 9))
def test_a_wrong_digit_is_found(position: int, distance: int) -> None:
    number = new_account_number()
    digit = str((int(number[position]) + distance) % 10)
    assert not mod_97_10.is_valid(number[:position] + digit + number[position + 1 :])


@given(st.integers(0, LENGTH - 2))
def test_swapped_neighbours_are_found(position: int) -> None:
    number = new_account_number()
    one, other = number[position], number[position + 1]
    swapped = number[:position] + other + one + number[position + 2 :]
    assert mod_97_10.is_valid(swapped) is (one == other)
