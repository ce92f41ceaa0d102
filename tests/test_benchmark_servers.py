"""How the benchmarks measure servers: the floor of HTTP, and the processor time of each server."""

import json
import subprocess
import sys
from io import BytesIO
from uuid import UUID

import pytest
from psycopg.conninfo import make_conninfo

from accounts.models import Account
from benchmarks.cases import CASES
from benchmarks.figures import results
from benchmarks.floor import Floor
from benchmarks.goals import SERVER_TIME, Goal, Ratio, ratios
from benchmarks.jobs.api import known_tag
from benchmarks.jobs.requests import Requests
from benchmarks.measure import Moved, Slice, measure
from benchmarks.processors import ProcessorTime, used_seconds
from benchmarks.tables import lines
from benchmarks.target import CannotMeasure, People, Target
from core.json_bytes import json_bytes
from tests.api import account_path
from tests.factories import make_account
from tests.scratch import plain_parameters
from transactions.models import Transaction
from transactions.reads.representation import represent
from transactions.verifier import verify

# The system counts processor time in steps of 10 ms, separately for user and system.
TICKS = 0.02
TARGET = Target(people=People([UUID(int=1), UUID(int=2)], UUID(int=3), "token"))

# Uses 0.2 s in a child that it waits for and 0.2 s itself, then 0.2 s again, and prints the total.
_BURNING = """
import os, sys, time
def burn():
    until = time.process_time() + 0.2
    while time.process_time() < until: pass
child = os.fork()
burn()
if not child: os._exit(0)
os.waitpid(child, 0)
print(flush=True)
sys.stdin.read(1)
burn()
print(sum(os.times()[:4]), flush=True)
sys.stdin.read(1)
"""


def test_processor_time_is_that_of_a_process_and_of_children_that_are_gone():
    with subprocess.Popen(
        [sys.executable, "-c", _BURNING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        before = used_seconds(process.pid)
        # Two processes of 0.2 seconds each, one of which has ended.
        assert before >= 0.4 - TICKS
        process.stdin.write("\n")
        process.stdin.flush()
        told = float(process.stdout.readline())
        after = used_seconds(process.pid)
        assert after == pytest.approx(told, abs=2 * TICKS)
        assert after - before >= 0.2 - TICKS
        process.stdin.write("\n")


def test_processor_time_is_that_of_living_children_too():
    # The program that burns is a child of the measured process.
    parent = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    with subprocess.Popen(
        [sys.executable, "-c", parent, _BURNING],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdout.readline()
        assert used_seconds(process.pid) >= 0.4 - TICKS
        process.communicate("\n\n")


def test_a_slice_has_the_processor_time_of_its_calls_without_the_warm_up():
    # The time used by the servers before each reading.
    readings = iter([ProcessorTime(5.0, 7.0), ProcessorTime(5.5, 8.0)])
    calls = []

    def call(_):
        calls.append(None)
        return Moved(1)

    measured = measure(lambda: None, call, 0.0001, meter=lambda: next(readings))
    assert measured.processor_time == ProcessorTime(0.5, 1.0)
    count = len(measured.latencies)
    assert measured.processor_time_of_a_call == ProcessorTime(0.5 / count, 1.0 / count)
    assert measure(lambda: None, call, 0.0001).processor_time_of_a_call is None


def _slice(server, database):
    """10 requests in one second, with these seconds of processor time on the servers."""
    return Slice(
        transactions=20, latencies=[0.1] * 10, seconds=1.0, moved=Moved(20), cpu_share=0.1,
        processor_time=ProcessorTime(server, database),
    )  # fmt: skip


def test_a_run_tells_processor_time_of_a_request_and_compares_it_within_rounds():
    cases = [case for case in CASES if case.name in ("http.8", "http.floor.8")]
    slices = {
        "http.8": [_slice(0.040, 0.010), _slice(0.020, 0.020), _slice(0.060, 0.030)],
        "http.floor.8": [_slice(0.020, 0.010), _slice(0.005, 0.010), _slice(0.020, 0.010)],
    }
    found = json.loads(json.dumps(results(cases, slices, None)))
    (ours,) = [case for case in found["cases"] if case["name"] == "http.8"]
    assert ours["server_milliseconds"] == 4.0
    assert ours["server_milliseconds_by_round"] == [4.0, 2.0, 6.0]
    assert ours["database_milliseconds"] == 2.0
    assert ours["database_milliseconds_by_round"] == [1.0, 2.0, 3.0]
    # The ratios are 2, 4 and 3; the rates are equal.
    (time,) = [ratio for ratio in found["ratios"] if ratio["figure"] == SERVER_TIME]
    assert (time["of"], time["to"], time["value"]) == ("http.8", "http.floor.8", 3.0)
    assert (time["at_most"], time["at_least"], time["met"]) == (2.0, None, False)
    printed = [" ".join(line.split()) for line in lines(found | {"not_measured": {"x": "No y."}})]
    assert "| http.8 | 4.00 | 2.00 |" in printed
    assert "| http.8 / http.floor.8 | 3.00 | 2 | NOT MET |" in printed
    assert "| http.8 / http.floor.8 | 1.00 | 0.75 | met |" in printed
    assert printed[-1] == "NOT MEASURED x: No y."


@pytest.mark.parametrize(("value", "is_met"), [(2.0, True), (2.19, True), (2.21, False)])
def test_a_goal_that_must_not_be_exceeded_is_met_within_a_tenth(value, is_met):
    assert Ratio(Goal("one", "other", at_most=2.0), value).is_met is is_met


def test_a_ratio_of_a_figure_that_a_case_lacks_is_left_out():
    assert ratios({SERVER_TIME: {"http.8": [1.0]}}) == []


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_the_floor_posts_a_transfer_and_answers_as_the_bank_does():
    one, other = make_account(balance=100), make_account(balance=50)
    answer = _asked(_floor(), account_path(one, "transfer"), other, "12.30")
    balances = dict(Account.objects.values_list("id", "balance"))
    assert (str(balances[one.id]), str(balances[other.id])) == ("87.7000", "62.3000")
    assert verify().findings == []
    shown = represent(Transaction.objects.get(pk=answer["transaction_id"]), own=None)
    assert answer == json.loads(json_bytes(shown))
    assert list(answer) == list(shown)


def _floor():
    return Floor(make_conninfo(**plain_parameters()))


def _asked(floor, path, target, amount):
    body = json.dumps({"amount": amount, "target_account_id": str(target.id)}).encode()
    environ = {"PATH_INFO": path, "CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body)}
    started = []
    try:
        content = b"".join(floor(environ, lambda *words: started.append(words)))
    finally:
        floor.close()
    ((status, headers),) = started
    assert status == "200 OK"
    assert ("Content-Length", str(len(content))) in headers
    return json.loads(content)


def test_requests_have_a_key_of_their_own_only_where_the_case_has_keys():
    keyed = Requests(TARGET, keyed=True)
    heads = [keyed.command(("transfer",))[0].partition(b"\r\n\r\n")[0] for _ in range(10)]
    keys = {line for head in heads for line in head.split(b"\r\n") if b"Idempotency-Key" in line}
    assert len(keys) == 10
    assert b"Idempotency-Key" not in Requests(TARGET).command(("transfer",))[0]


def test_an_account_is_asked_for_by_the_etag_of_its_first_answer():
    assert known_tag(b'HTTP/1.1 200 OK\r\nETag: W/"a1"\r\nContent-Length: 0\r\n\r\n') == 'W/"a1"'
    with pytest.raises(CannotMeasure, match="The bank sends no ETag with an account"):
        known_tag(b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n\r\nETag: "a1"\r\n')
    asked = Requests(TARGET).account(UUID(int=1), 'W/"a1"')
    assert b'\r\nIf-None-Match: W/"a1"\r\n' in asked
    assert b"If-None-Match" not in Requests(TARGET).account(UUID(int=1))
