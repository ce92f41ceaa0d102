"""The API of webhooks. Customers have their own; staff see and manage all."""

from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables
from rest_framework import viewsets
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from core.api.pagination import page_of, paginate_by_id
from core.api.permissions import RuleOfEachAction
from core.api.renderers import json_response
from core.api.requests import PageQuery, origin_of, parse_body, parse_query, refuse_query
from webhooks import bodies, endpoints, replay, schema
from webhooks.models import Endpoint
from webhooks.permissions import CanManageWebhooks, CanReadWebhooks
from webhooks.representation import represent, represent_delivery


class WebhookViewSet(RuleOfEachAction, viewsets.ViewSet):
    """Webhooks and their deliveries."""

    queryset = Endpoint.objects.all()
    http_method_names = ("get", "post", "patch", "delete", "head")
    permission_by_action: ClassVar[dict[str, type[BasePermission]]] = {
        "list": CanReadWebhooks,
        "create": CanManageWebhooks,
        "retrieve": CanReadWebhooks,
        "partial_update": CanManageWebhooks,
        "destroy": CanManageWebhooks,
        "secret": CanManageWebhooks,
        "test": CanManageWebhooks,
        "deliveries": CanReadWebhooks,
        "replay": CanManageWebhooks,
        "skip": CanManageWebhooks,
    }

    @schema.list_webhooks
    def list(self, request: Request) -> HttpResponse:
        parse_query(PageQuery, request)
        page = paginate_by_id(request, page_of(endpoints.visible_endpoints(request.user)))
        return page.response(request, [represent(one) for one in page.results])

    @schema.create_webhook
    @sensitive_variables("secret")
    def create(self, request: Request) -> HttpResponse:
        refuse_query(request)
        body = parse_body(bodies.WebhookBody, request)
        endpoint, secret = endpoints.make(request.user, origin_of(request), **body)
        location = request.build_absolute_uri(reverse("webhook", args=(endpoint.pk,)))
        members = {**represent(endpoint), "secret": secret}
        return json_response(request, members, 201, {"Location": location})

    @schema.retrieve_webhook
    def retrieve(self, request: Request, webhook_id: UUID) -> HttpResponse:
        refuse_query(request)
        return json_response(request, represent(self._found(request, webhook_id)))

    @schema.change_webhook
    def partial_update(self, request: Request, webhook_id: UUID) -> HttpResponse:
        refuse_query(request)
        endpoint = self._found(request, webhook_id)
        body = parse_body(bodies.ChangeWebhookBody, request)
        changed = endpoints.change(endpoint, origin_of(request), body)
        return json_response(request, represent(changed))

    @schema.delete_webhook
    def destroy(self, request: Request, webhook_id: UUID) -> HttpResponse:
        refuse_query(request)
        endpoints.delete(self._found(request, webhook_id), origin_of(request))
        return HttpResponse(status=204)

    @schema.new_secret
    @sensitive_variables("secret")
    def secret(self, request: Request, webhook_id: UUID) -> HttpResponse:
        refuse_query(request)
        endpoint = self._found(request, webhook_id)
        secret = endpoints.give_new_secret(endpoint, origin_of(request))
        return json_response(request, {"webhook_id": str(endpoint.pk), "secret": secret})

    @schema.test_webhook
    def test(self, request: Request, webhook_id: UUID) -> HttpResponse:
        refuse_query(request)
        delivery = replay.send_test(self._found(request, webhook_id), origin_of(request))
        return json_response(request, represent_delivery(delivery), 202)

    @schema.list_deliveries
    def deliveries(self, request: Request, webhook_id: UUID) -> HttpResponse:
        query = parse_query(bodies.DeliveryQuery, request)
        rows = self._found(request, webhook_id).deliveries.all()
        if status := query.get("status"):
            rows = rows.filter(status=status)
        page = paginate_by_id(request, page_of(rows))
        return page.response(request, [represent_delivery(one) for one in page.results])

    @schema.replay_deliveries
    def replay(self, request: Request, webhook_id: UUID) -> HttpResponse:
        refuse_query(request)
        endpoint = self._found(request, webhook_id)
        body = parse_body(bodies.ReplayBody, request)
        origin = origin_of(request)
        if "event_id" in body:
            count = replay.replay_event(endpoint, origin, body["event_id"])
        else:
            count = replay.replay_range(endpoint, origin, body["after"], body["before"])
        return json_response(request, {"deliveries": count}, 202)

    @schema.skip_delivery
    def skip(self, request: Request, webhook_id: UUID) -> HttpResponse:
        refuse_query(request)
        endpoint = self._found(request, webhook_id)
        event_id = parse_body(bodies.SkipBody, request)["event_id"]
        replay.skip(endpoint, origin_of(request), event_id)
        return json_response(request, represent(self._found(request, webhook_id)))

    def _found(self, request: Request, webhook_id: UUID) -> Endpoint:
        return endpoints.visible_endpoint(request.user, webhook_id)
