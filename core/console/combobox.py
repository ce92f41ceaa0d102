"""A field with suggestions: bankproject/combobox.js shows below it the list of a URL."""

from django.utils.html import format_html
from django.utils.safestring import SafeString

# The attributes of the field, by the combobox pattern of WAI-ARIA's Authoring Practices.
COMBOBOX = {
    "role": "combobox",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": "suggestions",
    "autocomplete": "off",
}


def combobox(field: SafeString, url: str) -> SafeString:
    """The rendered field with the place of its suggestions. `url` takes the text as `q`."""
    return format_html(
        '<div class="bank-combobox" data-combobox data-shortest="2" data-url="{}?q=">{}'
        '<div data-popup class="bank-popup" hidden></div>'
        '<p role="status" class="sr-only"></p></div>',
        url,
        field,
    )
