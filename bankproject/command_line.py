"""What `manage.py` does: a command of Django, whose failures an operator can read."""

import os
import sys
from collections.abc import Sequence

from django.core.management import execute_from_command_line

from core.failures import sentence_of

INTERRUPTED = 130  # 128 + SIGINT, as shells have it.


def main(arguments: Sequence[str]) -> int:
    """Runs the command. Returns its exit code; a command may exit by itself.

    A wrong setting, a file or a database that cannot be used is one sentence on standard error and
    exit code 1. `--traceback` shows where it happened.
    """
    # All that a command makes is for the user alone that runs the bank.
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
