"""Admin pages of the file desk."""

from desk.admin.file import DeskFileAdmin

__all__ = ["DeskFileAdmin"]
