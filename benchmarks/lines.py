"""Lines of the smaller programs, each of which prints what it measured as it goes."""

import sys


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
