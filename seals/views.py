"""The API of seals: heads for anyone, proofs for those who may see the transaction."""

from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.permissions import CanReadAccounts
from accounts.selectors import visible_account
from core.api.permissions import passes
from core.api.renderers import json_response
from core.errors import NotFound
from seals import schema
from seals.explain_schema import explain as explain_schema
from seals.explaining import explain, represent
from seals.heads import head_of
from seals.models import Seal
from seals.proofs import proof_of
from seals.selectors import newest_seal
from transactions.api.permissions import CanReadHolds, CanReadTransactions

# The database has no greater number.
_GREATEST = (1 << 63) - 1


class LatestSealView(APIView):
    """The newest head, for anyone. The limit by address counts these requests."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @schema.latest_seal
    def get(self, request: Request) -> HttpResponse:
        if (newest := newest_seal()) is None:
            raise NotFound("Nothing has been sealed yet.")
        return json_response(request, head_of(newest))


class SealView(APIView):
    """Any head, for anyone."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @schema.retrieve_seal
    def get(self, request: Request, number: int) -> HttpResponse:
        found = Seal.objects.defer("blocks").filter(number=min(number, _GREATEST)).first()
        if found is None:
            raise NotFound(f"There is no seal {number}.")
        return json_response(request, head_of(found))


class _ReadView(APIView):
    """A read for staff and owners, by the rule `reader`."""

    reader: ClassVar[type[BasePermission]]

    def get_permissions(self) -> list[BasePermission]:
        """A method that the route does not have needs no right: any known caller gets 405."""
        known = self.request.method in ("GET", "HEAD")
        return [self.reader() if known else IsAuthenticated()]


class ExplainView(_ReadView):
    """What the balance of an account consists of."""

    reader = CanReadAccounts

    @explain_schema
    def get(self, request: Request, account_id: UUID) -> HttpResponse:
        visible_account(request.user, account_id)
        if (explained := explain(account_id)) is None:
            raise NotFound("An internal account stores no balance.")
        lists_holds = passes(CanReadHolds, request, self)
        return json_response(request, represent(explained, lists_holds=lists_holds))


class ProofView(_ReadView):
    """The proof of a transaction, for staff and for its owners."""

    reader = CanReadTransactions

    @schema.proof
    def get(self, request: Request, transaction_id: UUID) -> HttpResponse:
        return json_response(request, proof_of(request.user, transaction_id))
