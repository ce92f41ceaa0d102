"""Files of movements for tests, and the people at the desk."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from accounts.models import Account
from core.commands import Origin
from desk.decisions import approve
from desk.models import DeskFile
from desk.uploads import upload
from desk.working import work_on

HEADER = "type,account_id,target_account_id,amount,description,idempotency_key\n"


def transfers(payer: Account, payee: Account, *amounts: str) -> bytes:
    """A CSV file with a transfer for each amount."""
    rows = (f"TRANSFER,{payer.id},{payee.id},{amount},Salary,\n" for amount in amounts)
    return (HEADER + "".join(rows)).encode()


def origin_of_user(user: Any) -> Origin:
    return Origin(user_id=user.pk, caller=f"user:{user.pk}", address="192.0.2.8")


class Desk:
    """A maker and a checker."""

    def __init__(self, maker: Any, checker: Any) -> None:
        self.maker, self.checker = origin_of_user(maker), origin_of_user(checker)

    def upload(self, content: bytes, name: str = "pay.csv", *, atomic: bool = False) -> DeskFile:
        return upload(name, content, atomic=atomic, origin=self.maker)

    def approved(self, content: bytes, **options: Any) -> DeskFile:
        return approve(self.upload(content, **options).pk, self.checker)

    def posted(self, content: bytes, **options: Any) -> DeskFile:
        return worked(self.approved(content, **options))


def worked(file: DeskFile) -> DeskFile:
    """The file after a worker's work on it."""
    work_on(DeskFile.objects.get(pk=file.pk))
    return DeskFile.objects.get(pk=file.pk)


@contextmanager
def pieces_of(size: int, monkeypatch: Any) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setattr("desk.uploads.PIECE", size)
        yield
