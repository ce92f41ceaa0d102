"""Converts a file's local times to moments, including ambiguous and nonexistent ones."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo


@dataclass(slots=True)
class LocalTimes:
    """The times of one file, whose rows are ordered by time, in the zone of those times."""

    zone: tzinfo
    _previous: datetime | None = None

    def moment(self, local: datetime) -> tuple[datetime, str]:
        """The moment of the next row's time, and a remark if the time was ambiguous, else "".

        When clocks are set back, an hour comes twice, and the order of the rows decides which one
        is meant. Raises ValueError for a time that is skipped when clocks are set forward.
        """
        first, second = (
            local.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1)
        )
        if second < first:
            raise ValueError(f"There is no such time in {self.zone}: clocks were set forward.")
        if first == second:
            self._previous = None
            return first, ""
        is_first = self._previous is None or first >= self._previous
        self._previous = first if is_first else second
        which = "first" if is_first else "second"
        remark = f"This time comes twice in {self.zone}; by the order of rows it is the {which}."
        return self._previous, remark
