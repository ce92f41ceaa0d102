"""Errors that keep the archive from being written."""

from core.files import FileProblem


class ArchiveProblem(FileProblem):
    """A run cannot begin or continue. Nothing is lost, and nothing is in the file twice."""
