"""Run before web processes start: migrates as the owner, then grants the web role its rights.

    DATABASE_URL=postgresql://bank_owner:...@db/bank python deploy/migrate.py

Both parts may be run again at any time. Exits with the code of the failed part.
"""

import os
import subprocess
import sys
from pathlib import Path

import environ
import psycopg

HERE = Path(__file__).resolve().parent


def main() -> int:
    migrate = [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity=1"]
    code = subprocess.run(migrate, cwd=HERE.parent, check=False).returncode
    if (HERE.parent / ".env").is_file():  # As `migrate` has done.
        environ.Env.read_env(HERE.parent / ".env", overwrite=False)
    url = os.environ.get("DATABASE_URL", "")
    if code == 0 and url:
        try:
            grant(url)
        except (OSError, psycopg.Error) as error:
            first_line = str(error).strip().partition("\n")[0]
            sys.stderr.write(f"The rights of the web role were not granted: {first_line}\n")
            return 1
    return code


def grant(url: str) -> None:
    """Applies postgresql/privileges.sql as the owner: all of it or nothing."""
    statements = (HERE / "postgresql" / "privileges.sql").read_text("utf-8")
    with psycopg.connect(url) as connection:
        # Without parameters, psycopg sends the statements unchanged.
        connection.execute(statements.encode())


if __name__ == "__main__":
    sys.exit(main())
