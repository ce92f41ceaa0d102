"""Local times of a file as moments: also those that come twice, and those that never come."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo


@dataclass(slots=True)
class LocalTimes:
    """Of one file, whose rows are in the order of time, in the zone that its times are in."""

    zone: tzinfo
    _previous: datetime | None = None

    def moment(self, local: datetime) -> tuple[datetime, str]:
        """The moment of the next row's time, and a remark if there were two of them, else "".

        Where a clock is put back, an hour comes twice: the order of the rows tells which is meant.
        Raises ValueError for a time that a clock which is put forward leaves out.
        """
        first, second = (
            local.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1)
        )
        if second < first:
            raise ValueError(f"There is no such time in {self.zone}: the clock is put forward.")
        if first == second:
            self._previous = None
            return first, ""
        is_first = self._previous is None or first >= self._previous
        self._previous = first if is_first else second
        which = "first" if is_first else "second"
        remark = f"This time comes twice in {self.zone}; by the order of rows it is the {which}."
        return self._previous, remark
