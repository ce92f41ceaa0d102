"""Counts as people read them."""


def count_of(number: int, noun: str) -> str:
    """The number with its noun: "1 day", "1,200 days". For nouns that take an s."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
