"""Responses with a statement in one of its formats."""

import os
from typing import IO

from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase

from core.large_documents import place_for
from statements.documents.content import DocumentFormat, StatementContent
from statements.documents.render import CONTENT_TYPES, file_name, open_document

# A JSON document of this size is sent from memory, a longer one from its file.
_IN_MEMORY = 1 << 20


def document_response(content: StatementContent, wanted: DocumentFormat) -> HttpResponseBase:
    """The statement as JSON, or as a file to save.

    Raises Busy if too many long documents are under way.
    """
    with place_for(content.count):
        file = open_document(content, wanted)
    content_type = CONTENT_TYPES[wanted]
    if wanted is DocumentFormat.CSV:
        content_type += "; charset=utf-8"
    if wanted is not DocumentFormat.JSON:
        name = file_name(content, wanted)
        return FileResponse(file, as_attachment=True, filename=name, content_type=content_type)
    if _size(file) > _IN_MEMORY:
        return FileResponse(file, content_type=content_type)
    with file:
        return HttpResponse(file.read(), content_type=content_type)


def _size(file: IO[bytes]) -> int:
    return os.fstat(file.fileno()).st_size
