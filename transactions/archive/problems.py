"""Errors that keep the archive from being written."""

from core.files import FileProblem


class ArchiveProblem(FileProblem):
    """An archive run cannot begin or continue. No line is lost, and none is in the file twice."""
