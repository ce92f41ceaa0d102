"""The worker: takes due transactions from the queue, claim by claim, until it is stopped."""

import logging
import math
import os
import signal
import socket
import time
from functools import partial
from typing import Any
from uuid import UUID

from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from core.background import further_jobs
from core.commands import Origin
from core.database_errors import meaning_of
from core.errors import Busy, ProcessingError
from core.failures import told
from core.leases import extended
from core.metrics.instruments import QUEUE_WORKERS, WORKER, note_cpu, set_kind
from core.words_in_background import WordsOfNames
from transactions.guards.journal import QUEUE_CHANNEL
from transactions.ledger.processor import process_claimed
from transactions.queue import waiting as queue
from transactions.queue.approval_mail import ApprovalMails
from transactions.queue.holds import expire_holds
from transactions.statistics.daily import DailySummaries

logger = logging.getLogger(__name__)

# PostgreSQL wakes a sleeping worker at once; this is for rows that become due during its sleep.
_POLL_SECONDS = 1.0
_POLL_SECONDS_SQLITE = 0.2
# The pause when all due transactions must wait for other workers.
_TURN_SECONDS = 0.02
_MAX_BACKOFF_SECONDS = 5.0
_UPKEEP_SECONDS = 5.0
# Expired holds keep the queue waiting so long at most. The rest is for a look soon after.
_HOLDS_SECONDS = 0.5
_NEXT_HOLDS_SECONDS = 1.0
# The size of the first claim. While the queue fills them, each is twice as long as the one before:
# a long claim costs less for each transaction, and a short one leaves work to other workers.
_FIRST_CLAIM = 500
MOST_CLAIMED = 2000
# A worker has 10 seconds to stop. It then gives up its unfinished transactions.
_GRACE_SECONDS = 8.0


class Stopped(KeyboardInterrupt):
    """Raised inside the worker, wherever it is, when its time to finish has passed.

    It is a KeyboardInterrupt because psycopg then cancels the running statement. Otherwise the
    server would continue and keep the locks of the rows to be released.
    """


class Worker:
    """One process's worker. `run` returns after `stop`, or with `once` when nothing is due."""

    def __init__(
        self, *, batch_size: int = MOST_CLAIMED, once: bool = False, slot: str = ""
    ) -> None:
        """`batch_size` is the most that it claims at once.

        `slot` is its place under a supervisor; it inherits the rows of its dead predecessor.
        """
        self.name = f"{socket.gethostname()}:{slot or os.getpid()}"[:100]
        self._has_inherited = not slot
        self.origin = Origin(caller=f"worker:{self.name}")
        self.batch_size = batch_size
        self._claim_size = min(_FIRST_CLAIM, batch_size)
        self.once = once
        self.processed = 0
        self._stopping = False
        self._backoff = 0.0
        self._next_upkeep = 0.0
        self._listening: Any = None
        # The lease of an unfinished claim, to be released as soon as possible.
        self._held: UUID | None = None
        self._daily_summaries = DailySummaries()
        self._approval_mails = ApprovalMails()
        self._words_of_names = WordsOfNames()
        self._further = further_jobs()

    def stop(self) -> None:
        """Lets the worker finish its claim and return. Safe to call from a signal handler."""
        self._stopping = True

    def run(self) -> int:
        """Runs the worker; returns the number of transactions processed."""
        while not self._stopping:
            try:
                if not self._step() and self.once:
                    break
            except DatabaseError as error:
                # The rows are released once the database answers, or when the lease expires.
                self._log_trouble(error)
                connection.close()
                self._back_off()
            except Stopped:
                break
        try:
            self._give_back()
        except DatabaseError:
            logger.exception("The database does not answer; the lease of the claim will expire")
        finally:
            self._daily_summaries.stop()
            self._approval_mails.stop()
            self._words_of_names.stop()
            for job in self._further:
                job.stop()
        return self.processed

    def _step(self) -> bool:
        """Handles one claim; returns whether something was due."""
        note_cpu()
        if not self._has_inherited:
            self._has_inherited = queue.inherit(self.name, self.origin)
            if not self._has_inherited:
                time.sleep(_TURN_SECONDS)  # The server has not noticed the death of the old worker.
                return True
        self._give_back()
        if self._stopping:  # `_give_back` has just switched off the time limit of the stop.
            return False
        self._upkeep()
        claim = queue.claim(self.name, self.origin, batch_size=self._claim_size)
        if claim.rows:
            self._work_on(claim)
            return True
        if claim.blocked:
            time.sleep(_TURN_SECONDS)
        elif not self.once:
            self._sleep()
        return claim.blocked

    def _work_on(self, claim: queue.Claim) -> None:
        self._held = claim.lease
        try:
            with extended(partial(queue.extend, claim.lease)):
                is_whole = self._process(claim)
            self._held = None
            self._backoff = 0.0
            grows = is_whole and len(claim.rows) == self._claim_size
            self._claim_size = min(2 * self._claim_size if grows else _FIRST_CLAIM, self.batch_size)
        except (Busy, Stopped) as reason:
            logger.warning("Cannot finish a claim: %s", type(reason).__name__)
            self._give_back()
            self._back_off()

    def _give_back(self) -> None:
        """Releases an unfinished claim. The token makes that safe at any time."""
        if self._held is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)  # Must not be interrupted.
            released = queue.release(self._held, self.origin)
            logger.warning("Gave back %s transactions", released)
            self._held = None

    def _process(self, claim: queue.Claim) -> bool:
        """Processes the claim, and returns whether as one list; if that raises, one by one."""
        try:
            self.processed += len(process_claimed(claim.lease, self.origin, claimed=claim.rows))
        except (Busy, DatabaseError) as error:
            if not _is_the_commands(error):
                raise
        except Exception:  # noqa: BLE001, S110 - whatever a poison command raises
            pass
        else:
            return True
        self._process_singly(claim)
        return False

    def _process_singly(self, claim: queue.Claim) -> None:
        """Processes one by one: a failing command keeps its reason and harms no other."""
        for transaction_id in claim.transaction_ids:
            if self._stopping:
                raise Stopped
            try:
                rows = process_claimed(claim.lease, self.origin, only=transaction_id)
                self.processed += len(rows)
            except Busy:
                raise
            except Exception as error:
                if isinstance(error, DatabaseError) and not _is_the_commands(error):
                    raise
                logger.exception("Transaction %s cannot be processed", transaction_id)
                self._fail(claim.lease, transaction_id, error)

    def _fail(self, lease: UUID, transaction_id: UUID, error: Exception) -> None:
        """Fails the transaction. The error is for staff: it may name columns, values, files."""
        reason = f"{type(error).__name__}: {error}".replace("\0", "")[:500]
        queue.fail(lease, transaction_id, ProcessingError(), self.origin, reason=reason)
        self.processed += 1

    def _upkeep(self) -> None:
        """Every few seconds: releases expired leases, expires approvals and holds, runs jobs."""
        if time.monotonic() < self._next_upkeep:
            return
        self._next_upkeep = time.monotonic() + _UPKEEP_SECONDS
        if lost := queue.reap(self.origin):
            logger.warning("Took back %s transactions whose lease ran out", lost)
        if expired := queue.expire_approvals(self.origin):
            logger.info("Ended %s transactions that nobody approved", expired)
        self._expire_holds()
        if not self.once:
            self._daily_summaries.look()
            self._approval_mails.look()
            self._words_of_names.look()
            for job in self._further:
                job.look()

    def _log_trouble(self, error: DatabaseError) -> None:
        """In one line while the database is away, because the worker tries again every second."""
        traceback = None if meaning_of(error).drops_connection else error
        logger.error("%s Trying again.", told(error), exc_info=traceback)

    def _expire_holds(self) -> None:
        """Ends expired holds, between two claims only for a short time."""
        until = math.inf if self.once else time.monotonic() + _HOLDS_SECONDS
        expire_holds(self.origin, lambda: not self._stopping and time.monotonic() < until)
        if time.monotonic() >= until:
            self._next_upkeep = time.monotonic() + _NEXT_HOLDS_SECONDS

    def _back_off(self) -> None:
        """Waits longer each time in a row, up to a limit, outside any database transaction."""
        self._backoff = min(max(2 * self._backoff, 0.1), _MAX_BACKOFF_SECONDS)
        until = time.monotonic() + self._backoff
        while not self._stopping and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))

    def _sleep(self) -> None:
        """Sleeps until something is queued or becomes due, or until a time-out."""
        if connection.vendor != "postgresql":
            time.sleep(_POLL_SECONDS_SQLITE)
            return
        connection.ensure_connection()
        session = connection.connection
        if self._listening is not session:
            with connection.cursor() as cursor:
                cursor.execute(f"LISTEN {QUEUE_CHANNEL}")
            self._listening = session
            return  # Looks again first: something may have been queued before we listened.
        with connection.wrap_database_errors:
            for _ in session.notifies(timeout=_POLL_SECONDS, stop_after=1):
                pass


def _is_the_commands(error: Busy | DatabaseError) -> bool:
    """Whether the error is the command's, and not the database's or another transaction's."""
    return isinstance(error, DatabaseError) and meaning_of(error).is_the_commands


def run_until_signalled(worker: Worker) -> int:
    """Runs the worker; SIGTERM and SIGINT let it finish, and after some seconds make it give up."""

    def on_signal(_number: int, _frame: Any) -> None:
        worker.stop()
        signal.setitimer(signal.ITIMER_REAL, _GRACE_SECONDS)

    def on_alarm(_number: int, _frame: Any) -> None:
        raise Stopped

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGALRM, on_alarm)
    logger.info("Worker %s started at %s", worker.name, timezone.now().isoformat())
    set_kind(WORKER)
    QUEUE_WORKERS.inc()
    try:
        return worker.run()
    finally:
        QUEUE_WORKERS.dec()
        signal.setitimer(signal.ITIMER_REAL, 0)
