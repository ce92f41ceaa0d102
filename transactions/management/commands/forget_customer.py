"""`manage.py forget_customer`: replaces the personal data of a customer for ever."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.actors import add_actor, origin_of_actor
from core.arguments import reason
from core.commands import process
from core.errors import BankError
from core.failures import told
from core.results import WRONG_USE, add_json, write_result
from customers.models import Customer
from customers.permissions import CanManageCustomers
from transactions.commands import ForgetCustomer


class Command(BaseCommand):
    help = (
        "Replaces the personal data of a closed customer for ever, where the law asks for it. The"
        " names of their accounts and of their user are replaced too, and what staff noted about"
        " them is erased. Numbers, balances and transactions stay."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", help="the customer's number")
        parser.add_argument("--reason", required=True, type=reason, help="kept in the audit log")
        add_actor(parser, "to manage customers")
        add_json(parser)

    def handle(self, *, number: str, **options: Any) -> None:
        origin = origin_of_actor(
            options["actor"], right=CanManageCustomers.right, caller="job:forget_customer"
        )
        customer = Customer.objects.filter(number="".join(number.split())).first()
        if customer is None:
            raise CommandError(f"There is no customer {number}.", returncode=WRONG_USE)
        command = ForgetCustomer(customer_id=customer.pk, reason=options["reason"])
        try:
            forgotten: Customer = process([command], origin)[0]
        except BankError as error:
            raise CommandError(f"Nothing was forgotten: {told(error)}") from error
        words = (
            f"Customer {forgotten.number} is forgotten. Delete what exports and backups have of"
            " them when their time comes."
        )
        result = {"number": forgotten.number, "status": forgotten.status}
        write_result(self.stdout, result, [words], as_json=options["json"])
