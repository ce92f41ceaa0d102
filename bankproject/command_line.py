"""Runs a Django command for `manage.py`, with errors that an operator can read."""

import os
import sys
from collections.abc import Sequence

from django.core.management import execute_from_command_line

from core.failures import sentence_of

INTERRUPTED = 130  # 128 + SIGINT, as in shells.


def main(arguments: Sequence[str]) -> int:
    """Runs the command. Returns its exit code, unless the command exits by itself.

    A wrong setting, or an unusable file or database, gives one sentence on standard error and exit
    code 1. `--traceback` adds the traceback.
    """
    # Only the bank's user may read the files that a command creates.
    os.umask(0o077)
    try:
        execute_from_command_line(list(arguments))
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        return INTERRUPTED
    except Exception as error:
        sentence = sentence_of(error)
        if sentence is None or "--traceback" in arguments:
            raise
        sys.stderr.write(f"{sentence}\n")
        return 1
    return 0
