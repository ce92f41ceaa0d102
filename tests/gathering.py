"""Gathering in a test's own process, as a server installs it in a web process."""

from collections.abc import Iterator
from contextlib import contextmanager

from transactions.ledger import groups, processor


@contextmanager
def gathered() -> Iterator[None]:
    """Within the block single movements of money of this process are gathered."""
    processor.install_gathering()
    try:
        yield
    finally:
        groups.gathering = None
