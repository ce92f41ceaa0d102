"""Arguments of management commands that name an account."""

from uuid import UUID

from django.core.management.base import CommandError

from accounts.models import Account
from core.identifiers import parse_uuid
from core.results import WRONG_USE


def account_argument(text: str | None) -> UUID | None:
    """The id of the account with this id or number; None without a text.

    Raises CommandError if there is none.
    """
    if text is None:
        return None
    try:
        found = Account.objects.filter(pk=parse_uuid(text))
    except ValueError:
        found = Account.objects.filter(number=text)
    account_id: UUID | None = found.values_list("pk", flat=True).first()
    if account_id is None:
        raise CommandError(f"There is no account {text}.", returncode=WRONG_USE)
    return account_id
