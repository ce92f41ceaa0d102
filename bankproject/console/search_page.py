"""The page of the search, and its part below the box on every page."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from bankproject.console.search import search


@require_safe
def search_page(request: HttpRequest) -> HttpResponse:
    """Shows what `q` finds. With `part` only the list, for the script of the box."""
    if not request.user.is_authenticated:
        raise PermissionDenied
    text = request.GET.get("q", "")
    context = {"sought": text.strip(), "found": search(text, request.user)}
    if "part" in request.GET:
        return render(request, "console/search_hits.html", context)
    context |= {**admin.site.each_context(request), "title": "Search"}
    return render(request, "console/search.html", context)
