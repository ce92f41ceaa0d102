"""What a management command answers: its result, and its exit code.

The result goes to standard output and all else to standard error. docs/operations.md says which
exit codes there are besides 0.
"""

import json
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.management.base import OutputWrapper

# It was refused, or could not be done, or there are findings.
PROBLEM = 1
# As argparse has it: wrong arguments; also a name that is nobody's, and a right that is missing.
WRONG_USE = 2
# Another process is at work on the same. Later it may go well.
BUSY = 3


def add_json(parser: ArgumentParser) -> None:
    """Adds `--json`, which every command takes that ends with a result."""
    parser.add_argument("--json", action="store_true", help="print the result as a line of JSON")


def write_result(
    stdout: OutputWrapper, result: Mapping[str, Any], words: Iterable[str], *, as_json: bool
) -> None:
    """Prints the result for scripts, or its lines for people."""
    stdout.write(json.dumps(result) if as_json else "\n".join(words))
