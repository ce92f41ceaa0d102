"""Runs `setup_demo` before a compose bank serves, unless it is in production.

BANK_DEMO=false skips it too. Exits with the code of `setup_demo`.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from django.core.exceptions import ImproperlyConfigured  # noqa: E402

from bankproject import environment  # noqa: E402
from bankproject.production import is_production  # noqa: E402


def main() -> int:
    try:
        if is_production() or not environment.boolean("BANK_DEMO", default=True):
            sys.stdout.write("No demo: the first administrator is made by createsuperuser.\n")
            return 0
    except ImproperlyConfigured as error:
        sys.stderr.write(f"{error}\n")
        return 1
    command = [sys.executable, "manage.py", "setup_demo"]
    return subprocess.run(command, cwd=HERE.parent, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
