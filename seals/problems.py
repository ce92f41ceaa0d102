"""Errors that keep the books from being sealed."""

from core.files import FileProblem


class SealProblem(FileProblem):
    """A seal cannot be made. The message is one sentence for an operator; nothing was sealed."""
