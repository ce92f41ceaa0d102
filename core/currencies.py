"""Currencies and their minor units: ISO 4217:2015, List One as published on 2026-01-01 (SIX Group).

The table has every active code of that list with a minor unit, except fund codes, plus CLF, a fund
code in which contracts are really written and paid. So there are no precious metals, no special
drawing rights, and neither XTS (tests) nor XXX (no currency).

The digits are those of ISO. CLDR has other digits, because it is for display, not for accounting.
After an amendment of the list, only add lines here, because an account keeps its currency.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

_CODES_BY_DIGITS: dict[int, str] = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD "
        "CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD "
        "GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL "
        "MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN "
        "PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP "
        "SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

# Alphabetic code -> number of digits after the decimal point, in order of the code.
CURRENCIES: Mapping[str, int] = MappingProxyType(
    dict(
        sorted(
            (code, digits) for digits, codes in _CODES_BY_DIGITS.items() for code in codes.split()
        )
    )
)


@cache
def minor_units(code: str) -> int:
    """Digits after the decimal point. Raises ValueError for a code that is not in the table."""
    try:
        return CURRENCIES[code]
    except KeyError:
        raise ValueError(f"{code!r} is not a known currency.") from None
