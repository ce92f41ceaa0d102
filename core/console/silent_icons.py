"""Icons that screen readers pass over.

An icon is the name of a glyph in a font for icons. Screen readers would read the name out: "error
Failed 5". Unfold's templates have icons in some 60 files.
"""

import re

from django.template.base import Origin
from django.template.loaders import app_directories, filesystem

# For the settings of the engine, in the place of Django's own pair.
LOADERS = [
    (
        "django.template.loaders.cached.Loader",
        [f"{__name__}.FolderLoader", f"{__name__}.AppLoader"],
    )
]
_ICON = re.compile(r'<span (?=[^>]*class="[^"]*material-symbols-outlined)(?![^>]*aria-hidden)')


def silent(source: str) -> str:
    """The source of a template, with each icon marked as decoration."""
    return _ICON.sub('<span aria-hidden="true" ', source)


class FolderLoader(filesystem.Loader):
    def get_contents(self, origin: Origin) -> str:
        return silent(super().get_contents(origin))


class AppLoader(app_directories.Loader):
    def get_contents(self, origin: Origin) -> str:
        return silent(super().get_contents(origin))
