"""`{% bars as found %}`: the bars of this page, for users who may open pages of the console."""

from django import template
from django.contrib import admin
from django.http import HttpRequest
from django.template.context import Context

from core.console.bars import Bar, bars_of

register = template.Library()


@register.simple_tag(takes_context=True)
def bars(context: Context) -> list[Bar]:
    """None on the pages of the log-in: strangers are not told what is wrong with the bank."""
    request: HttpRequest | None = context.get("request")
    if request is None or not admin.site.has_permission(request):
        return []
    return bars_of(request)
