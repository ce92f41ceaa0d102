"""Parses thousands of JSON objects of one shape: column by column, each text once.

The rules for a value are those of the fields and of `core.money`. The module exists for speed: a
DRF serializer takes about a hundred times as long per item.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import MAX_ERRORS, FieldError, json_pointer

ABSENT: Any = object()


class BadValue(ValueError):
    """A bad value, with the error's code."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class ItemColumn:
    """A member of each object. `parse` raises ValueError, reported as `code`, or BadValue.

    If the member is optional, null means that it is missing.

    `parse` must treat equal texts alike: each different text is parsed once.
    """

    name: str
    parse: Callable[[Any], Any]
    code: str = "invalid"
    required: bool = True

    def read(self, items: Sequence[Mapping[str, Any]], errors: "Errors") -> list[Any]:
        """The values of all items, in order: ABSENT if missing, or if an error was added."""
        name, parsed = self.name, dict[str, Any]()
        values = []
        for index, item in enumerate(items):
            raw = item.get(name, ABSENT)
            if raw is None and not self.required:
                raw = ABSENT
            # Texts only: True equals 1, and 1 equals 1.0.
            is_text = raw.__class__ is str
            if is_text and raw in parsed:
                values.append(parsed[raw])
                continue
            value = ABSENT if raw is ABSENT and not self.required else self._one(raw, index, errors)
            if is_text and value is not ABSENT:
                parsed[raw] = value
            values.append(value)
        return values

    def _one(self, raw: Any, index: int, errors: "Errors") -> Any:
        if raw is ABSENT:
            errors.add(index, self.name, "required", "This field is required.")
        elif raw is None:
            errors.add(index, self.name, "null", "This field may not be null.")
        else:
            try:
                return self.parse(raw)
            except ValueError as error:
                errors.add(index, self.name, getattr(error, "code", self.code), str(error))
        return ABSENT


class Errors:
    """Errors of a list at `pointer`, in the order of its items, up to a limit."""

    def __init__(self, pointer: str) -> None:
        self._pointer = pointer
        self._found: list[tuple[int, FieldError]] = []

    def add(self, index: int, name: str, code: str, detail: str) -> None:
        """`name` is the member, empty for the item itself."""
        # Keeps as many errors for each column as are reported in the end, so that no early one is
        # lost.
        pointer = self._pointer + (json_pointer(index, name) if name else json_pointer(index))
        self._found.append((index, FieldError(pointer, code, detail)))

    def of(self, places: Sequence[int]) -> "Errors":
        """Takes the errors of a list of its own, the items at these places."""
        return _ErrorsOfSome(self, places)

    def first(self) -> list[FieldError]:
        """The errors of the first bad items."""
        return [error for _, error in sorted(self._found, key=_index)[:MAX_ERRORS]]


class _ErrorsOfSome(Errors):
    def __init__(self, whole: Errors, places: Sequence[int]) -> None:
        self._whole, self._places = whole, places

    def add(self, index: int, name: str, code: str, detail: str) -> None:
        self._whole.add(self._places[index], name, code, detail)

    def first(self) -> list[FieldError]:
        return self._whole.first()


def _index(found: tuple[int, FieldError]) -> int:
    return found[0]
