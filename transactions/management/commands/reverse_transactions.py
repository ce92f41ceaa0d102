"""`manage.py reverse_transactions`: reverses several completed transactions, all or none."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from core.actors import add_actor, origin_of_actor
from core.arguments import identifier, reason
from core.errors import BankError
from core.failures import told
from core.results import add_json, write_result
from transactions.api.permissions import CanReverseTransactions
from transactions.commands import Reverse
from transactions.ledger.processor import process_all_or_none


class Command(BaseCommand):
    help = "Reverses completed transactions: all of them, or none if one is refused."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("transaction_ids", nargs="+", type=identifier, metavar="ID")
        parser.add_argument("--reason", required=True, type=reason, help="kept with each reversal")
        add_actor(parser, "to reverse")
        add_json(parser)

    def handle(self, *, transaction_ids: list[UUID], **options: Any) -> None:
        why = options["reason"]
        commands = [Reverse(transaction_id=one, reason=why) for one in transaction_ids]
        origin = origin_of_actor(
            options["actor"],
            right=CanReverseTransactions.right,
            caller="job:reverse_transactions",
        )
        try:
            rows = process_all_or_none(commands, origin)
        except BankError as error:
            raise CommandError(f"Nothing was reversed: {told(error)}") from error
        pairs = list(zip(transaction_ids, rows, strict=True))
        write_result(
            self.stdout,
            {"reversals": {str(original): str(row.id) for original, row in pairs}},
            [f"{original} is reversed by {row.id}" for original, row in pairs],
            as_json=options["json"],
        )
