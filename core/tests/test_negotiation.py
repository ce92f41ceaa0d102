"""The form of a response: as the framework finds it, header or not."""

from typing import Any

import pytest
from django.http import Http404
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from core.api.negotiation import Negotiation
from transactions.api.csv_list import CSVRenderer


@pytest.mark.parametrize(
    "renderers", [(JSONRenderer,), (JSONRenderer, CSVRenderer), (CSVRenderer,)]
)
@pytest.mark.parametrize(
    "query", ["", "?format=csv", "?f%6frmat=csv", "?format=json", "?page_size=5", "?search=%22"]
)
@pytest.mark.parametrize(
    "accept",
    [
        None,
        "*/*",
        "application/json",
        "application/json; indent=4",
        "application/*",
        "text/csv",
        "text/csv, application/json;q=0.5",
        "text/html",
        "",
    ],
)
def test_it_chooses_as_the_framework_does(
    accept: str | None, query: str, renderers: tuple[type[BaseRenderer], ...]
) -> None:
    headers = {} if accept is None else {"Accept": accept}

    def chosen(negotiation: DefaultContentNegotiation) -> Any:
        request = Request(APIRequestFactory().get(f"/{query}", headers=headers))
        try:
            renderer, media_type = negotiation.select_renderer(
                request, [one() for one in renderers]
            )
        except (NotAcceptable, Http404) as refusal:
            return type(refusal)
        return type(renderer), media_type

    assert chosen(Negotiation()) == chosen(DefaultContentNegotiation())
