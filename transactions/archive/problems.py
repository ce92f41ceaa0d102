"""What keeps the archive from being written."""

from core.files import FileProblem


class ArchiveProblem(FileProblem):
    """A run cannot begin, or not go on. Nothing is lost, and nothing stands in the file twice."""
