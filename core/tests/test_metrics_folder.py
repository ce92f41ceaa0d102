"""The counts of a server's processes add up, whatever happens to any of them."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from core.metrics import folder
from core.metrics.merging import merged
from tests.metrics import parsed, sums

ROOT = Path(__file__).resolve().parent.parent.parent
# Adds what each line of its input says to a counter, a histogram and a gauge, and answers each.
COUNTS = """
import sys
import django; django.setup()
from core.metrics import folder, http, instruments
instruments.set_kind(instruments.WORKER)
for line in sys.stdin:
    instruments.RETRIES_BY_REASON["deadlock"].inc(int(line))
    instruments.LOCK_SECONDS.observe(int(line))
    instruments.HTTP_IN_FLIGHT.inc(int(line))
    http.observe("/a/", "GET", 200, float(line), "0" * 32)
    print(folder.identity(), flush=True)
"""
# Prints the whole text, as one more process of the server.
SHOWS = """
import sys
import django; django.setup()
from core.metrics.exposition import rendered
sys.stdout.write(rendered("")[0].decode())
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder as a server makes it."""
    monkeypatch.setattr(folder, "_SHARED_MEMORY", tmp_path)
    with folder.owned_folder() as made:
        yield made
    assert not made.exists()


@contextmanager
def process() -> Iterator[Callable[[int], str]]:
    """A process that counts what it is told; the function returns its name. Killed at the end."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "bankproject.settings"}
    with subprocess.Popen(
        [sys.executable, "-c", COUNTS],
        cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as started:  # fmt: skip
        assert started.stdin is not None
        assert started.stdout is not None

        def count(number: int) -> str:
            assert started.stdin is not None
            assert started.stdout is not None
            started.stdin.write(f"{number}\n")
            started.stdin.flush()
            return started.stdout.readline().strip()

        try:
            yield count
        finally:
            started.send_signal(signal.SIGKILL)
            started.wait(60)


def shown() -> tuple[float, float, float, float]:
    """Counter, count and sum of the histogram, and gauge, as a scraper sees them."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "bankproject.settings"}
    text = subprocess.run(
        [sys.executable, "-c", SHOWS],
        cwd=ROOT, env=environment, text=True, check=True, capture_output=True, timeout=120,
    ).stdout  # fmt: skip
    found = parsed(text)
    names = (
        "bank_contention_retries_total",
        "bank_lock_wait_seconds_count",
        "bank_lock_wait_seconds_sum",
        "bank_http_requests_in_flight",
    )
    assert (
        sums(found, "bank_lock_wait_seconds_bucket", "le")[("+Inf",)] == sums(found, names[1])[()]
    )
    return tuple(sums(found, name)[()] for name in names)  # type: ignore[return-value]


def test_counts_of_killed_processes_stay_and_their_files_go(place: Path) -> None:
    with process() as first, process() as second:
        first(3)
        second(4)
        assert shown() == (7, 2, 7, 7)
    # Gauges are of the living: the dead answer no request.
    assert shown() == (7, 2, 7, 0)
    # The one that showed it has ended too, and is noticed by the next.
    sizes = set()
    for round_ in range(3):
        with process() as other:
            other(1)
            assert shown() == (8 + round_, 3 + round_, 8 + round_, 1)
        shown()
        sizes.add(len(list(place.rglob("*"))))
    assert len(sizes) == 1, sizes


def test_a_crash_while_the_dead_are_added_up_loses_and_doubles_nothing(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = []
    for number in (3, 4):
        with process() as one:
            names.append(one(number))

    def crash(*_: object) -> None:
        raise RuntimeError

    # Before the sums are valid.
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", crash)
        with pytest.raises(RuntimeError), folder.counted(place):
            pass
    assert shown() == (7, 2, 7, 0)
    with process() as one:
        one(5)
    # After that, before the files are removed.
    clear, calls = folder._clear, []

    def crash_later(of_server: Path) -> None:
        calls.append(of_server)
        if len(calls) == 2:
            raise RuntimeError
        clear(of_server)

    with monkeypatch.context() as patch:
        patch.setattr(folder, "_clear", crash_later)
        with pytest.raises(RuntimeError), folder.counted(place):
            pass
    assert shown() == (12, 3, 12, 0)
    assert not list(place.glob(f"*{names[0]}*"))
    assert not list(place.glob("new-dead-*"))


def test_a_process_with_the_number_of_a_dead_one_is_another(place: Path) -> None:
    with process() as one:
        name = one(3)
    # As if the number had been given again, to this process.
    dead = place / f"alive-{name}"
    dead.rename(place / f"alive-{os.getpid()}-{name.split('-')[1]}")
    for path in place.glob(f"*_{name}.db"):
        path.rename(str(path).replace(name, f"{os.getpid()}-{name.split('-')[1]}"))
    assert shown() == (3, 1, 3, 0)


def test_a_server_removes_what_a_killed_one_left_and_nothing_of_a_living_one(
    place: Path, tmp_path: Path
) -> None:
    program = (
        "import os, signal; from pathlib import Path; from core.metrics import folder\n"
        f"folder._SHARED_MEMORY = Path({str(tmp_path)!r})\n"
        "print(folder.make(), flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, text=True, capture_output=True, check=False
    )
    left = Path(done.stdout.strip())
    assert left.is_dir()
    foreign = tmp_path / "bank-metrics-foreign"
    foreign.mkdir()
    another = folder.make()
    assert not left.exists()
    assert place.is_dir()
    # It may be on its way: nobody holds its lock yet.
    assert foreign.is_dir()
    folder.remove(another)


def test_files_own_their_room_from_the_start(tmp_path: Path) -> None:
    path = tmp_path / "counter_1.db"
    counts = folder.Reserved(str(path))
    sizes = set()
    for number in range(3500):
        counts.write_value(f"{number} {'x' * 50}", float(number), 0.0)
        sizes.add(path.stat().st_size)
        assert path.stat().st_blocks * 512 >= path.stat().st_size  # Without holes.
    counts.close()
    assert sizes == {folder.INITIAL_BYTES * factor for factor in (1, 2, 4, 8)}
    values = {key: value for key, value, *_ in folder.Reserved.read_all_values_from_file(str(path))}
    assert len(values) == 3500
    assert values[f"1999 {'x' * 50}"] == 1999


def test_work_goes_on_where_there_is_no_room_to_count_it(place: Path) -> None:
    program = f"""
import resource
import django; django.setup()
from core.metrics import folder, http
resource.setrlimit(resource.RLIMIT_FSIZE, (2 * folder.INITIAL_BYTES, 2 * folder.INITIAL_BYTES))
for number in range(300):
    http.observe(f"/route/{{number}}/{"x" * 100}", "GET", 200, 0.1, "0" * 32)
print("done")
"""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "bankproject.settings"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, env=environment, text=True, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    assert done.stdout == "done\n"
    assert "There is no room for metrics" in done.stderr
    assert shown()[3] == 0  # What is there can be read.


def test_a_folder_of_another_program_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(folder.VARIABLE, str(tmp_path))
    assert folder.current() is None
    with process() as one:
        assert one(3) == ""  # It has no folder, and so no name.
    assert not list(tmp_path.iterdir())


def test_the_sums_are_those_of_the_library(place: Path) -> None:
    with process() as first, process() as second:
        for number in (1, 2, 3):
            first(number)
            second(number)
        with folder.counted(place) as files:
            theirs = MultiProcessCollector.merge(files)
            ours = merged(files)
    assert len(ours) >= 6
    assert _values(ours) == _values(theirs)


def _values(metrics: Iterable[Metric]) -> dict[tuple[str, str, str], float]:
    return {
        (metric.type, sample.name, str(sorted(sample.labels.items()))): sample.value
        for metric in metrics
        for sample in metric.samples
    }
