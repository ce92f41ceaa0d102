#!/usr/bin/env python
"""Django's command-line entry point for the bank."""

import os
import sys


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bankproject.settings")
    from bankproject.command_line import main as run

    return run(sys.argv)


if __name__ == "__main__":
    sys.exit(main())
