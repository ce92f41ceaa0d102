"""The route that serves the OpenAPI description."""

from functools import cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request


class SchemaView(SpectacularAPIView):
    """YAML or JSON, the same for everyone, generated once per process.

    The description is public and takes a tenth of a second of CPU to generate, so it is kept. The
    query is ignored: the library would copy a version from the query into a header.
    """

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        renderer: Any = request.accepted_renderer
        kind: Any = type(renderer)
        return HttpResponse(_rendered(kind), content_type=renderer.media_type)


@cache
def _rendered(renderer: Any) -> bytes:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    rendered = renderer().render(schema, renderer.media_type, {})
    assert isinstance(rendered, bytes)
    return rendered
