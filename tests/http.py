"""Requests to a server of the tests, by the standard library alone."""

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

TIMEOUT_SECONDS = 60


def get(url: str, **headers: str) -> tuple[int, str]:
    """Status and body. Status 0 where nobody answers."""
    return _send(urllib.request.Request(url, headers=headers))  # noqa: S310 - our own server


def post(url: str, body: Any, **headers: str) -> tuple[int, str]:
    """As `get`, with a JSON body."""
    headers = {"Content-Type": "application/json"} | headers
    data = json.dumps(body).encode()
    return _send(urllib.request.Request(url, data=data, headers=headers))  # noqa: S310


def post_form(url: str, form: Mapping[str, str]) -> tuple[int, str]:
    """As `get`, with a form."""
    data = urllib.parse.urlencode(form).encode()
    return _send(urllib.request.Request(url, data=data))  # noqa: S310 - our own server


def _send(request: urllib.request.Request) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error)
