"""`manage.py process_transactions`: the queue's workers."""

from argparse import SUPPRESS, ArgumentParser
from contextlib import nullcontext
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core.metrics import folder, server
from core.results import WRONG_USE
from core.startup import wait_for_objects
from transactions.queue import supervisor
from transactions.queue.worker import MOST_CLAIMED, Worker, run_until_signalled


class Command(BaseCommand):
    help = (
        "Processes queued transactions until SIGTERM or Ctrl-C. Any number of workers on any number"
        " of hosts may run at once; each account's transactions are processed in their order."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workers", type=int, default=1, help="processes (default: 1)")
        parser.add_argument(
            "--batch-size",
            type=int,
            default=MOST_CLAIMED,
            help=f"the most transactions that a claim takes (default: {MOST_CLAIMED})",
        )
        parser.add_argument("--once", action="store_true", help="stop when nothing is due")
        parser.add_argument(
            "--supervise",
            action="store_true",
            help="restart a worker that dies, even a single one",
        )
        parser.add_argument(
            "--end-with-parent", action="store_true", help="stop when the starting process ends"
        )
        # Set by the supervisor.
        parser.add_argument("--slot", default="", help=SUPPRESS)

    def handle(
        self,
        *,
        workers: int,
        batch_size: int,
        once: bool,
        supervise: bool,
        end_with_parent: bool,
        slot: str,
        **_: Any,
    ) -> None:
        supervised = supervise or workers > 1
        if workers < 1 or not 1 <= batch_size <= 10_000:
            raise CommandError(
                "--workers is 1 or more, --batch-size 1 to 10000.", returncode=WRONG_USE
            )
        if supervised and once:
            raise CommandError("--once is for a single worker.", returncode=WRONG_USE)
        if end_with_parent:
            supervisor.end_with_parent()
        has_port = settings.BANK_METRICS and settings.METRICS_PORT and folder.current() is None
        if supervised:
            # Needs no database: the workers keep looking for it themselves.
            with folder.owned_folder() if has_port else nullcontext():
                if has_port:
                    _show_metrics()
                supervisor.Supervisor(supervisor.worker_command(batch_size), workers).run()
            return
        if has_port:
            _show_metrics()
        wait_for_objects()
        processed = run_until_signalled(Worker(batch_size=batch_size, once=once, slot=slot))
        self.stdout.write(f"Processed {processed} transactions.")


def _show_metrics() -> None:
    """Answers /metrics on BANK_METRICS_PORT, for workers that no web server started."""
    host, port = settings.HOST, settings.METRICS_PORT
    try:
        server.start(host, port)
    except OSError as error:
        reason = error.strerror or error
        raise CommandError(
            f"BANK_METRICS_PORT {port} of {host} cannot be used: {reason}."
        ) from error
