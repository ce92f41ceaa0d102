"""Results and exit codes of management commands.

The result goes to standard output, everything else to standard error. docs/operations.md lists the
exit codes.
"""

import json
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.management.base import OutputWrapper

# Refused, failed, or there are findings.
PROBLEM = 1
# Wrong arguments, as in argparse; also an unknown user, and a missing right.
WRONG_USE = 2
# Another process holds the lock. A later attempt may succeed.
BUSY = 3


def add_json(parser: ArgumentParser) -> None:
    """Adds `--json`, for every command with a result."""
    parser.add_argument("--json", action="store_true", help="print the result as a line of JSON")


def write_result(
    stdout: OutputWrapper, result: Mapping[str, Any], words: Iterable[str], *, as_json: bool
) -> None:
    """Prints the result as JSON for scripts, or as lines for people."""
    stdout.write(json.dumps(result) if as_json else "\n".join(words))
