"""Where a page of the console stands, in the words of the menu."""

from typing import Any

from django import template
from django.urls import reverse

from bankproject.console.help_page import paragraph_of
from bankproject.navigation import title_of_list

register = template.Library()


@register.simple_tag(takes_context=True)
def trail(context: dict[str, Any]) -> list[dict[str, str]]:
    """The list of the page's row and the row itself, each with its link, or the page's title.

    Lists have the title that the menu gives them. Model names say less: "access attempt" is a
    failed login.
    """
    row = context.get("original") or context.get("object")
    if isinstance(row, str):
        row = None
    options = row._meta if row else context.get("opts")
    title = str(context.get("content_title") or context.get("title") or "").strip()
    if options is None:
        return [{"title": title}]
    base = f"admin:{options.app_label}_{options.model_name}"
    parts = [{"title": title_of_list(options), "link": reverse(f"{base}_changelist")}]
    if row:
        name = str(context.get("headline") or row)
        parts.append({"title": name, "link": reverse(f"{base}_change", args=[row.pk])})
    elif not context.get("cl"):
        parts.append({"title": title})
    return parts


@register.simple_tag(takes_context=True)
def trail_title(context: dict[str, Any]) -> str:
    """The title of the page for the browser's tab: the last part of the trail first."""
    return " | ".join(part["title"] for part in reversed(trail(context)))


@register.simple_tag(takes_context=True)
def help_link(context: dict[str, Any]) -> str:
    """The link to what the help says of the page."""
    return f"{reverse('help')}#{paragraph_of(context['request'].path)}"
