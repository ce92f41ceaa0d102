"""Starts of the bank's programs under many environments, each a fork of one process.

Separate processes would load Django hundreds of times. Reads a JSON list of `[entry, variables]`
from standard input, and writes a JSON list of `[exit code, standard error]`.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable


def _manage(*words: str) -> Callable[[], int]:
    def run() -> int:
        from bankproject.command_line import main

        return main(["manage.py", *words])

    return run


def _wsgi() -> int:
    import bankproject.wsgi  # noqa: F401

    return 0


def _gunicorn_conf() -> int:
    import bankproject.gunicorn_conf  # noqa: F401

    return 0


def _names() -> int:
    """Prints the names of all settings; not a program of the bank."""
    import bankproject.settings  # noqa: F401
    from bankproject import environment

    sys.stderr.write(json.dumps(sorted(environment.names_read)))
    return 0


ENTRIES: dict[str, Callable[[], int]] = {
    "check": _manage("check"),
    "serve": _manage("serve"),
    "wsgi": _wsgi,
    "gunicorn_conf": _gunicorn_conf,
    "names": _names,
}


def _start(entry: str, variables: dict[str, str]) -> tuple[int, str]:
    with tempfile.TemporaryFile() as log:
        pid = os.fork()
        if pid == 0:
            os.environ |= variables
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            code = 1
            try:
                # Any other entry is a command line for manage.py.
                code = ENTRIES.get(entry, _manage(*entry.split()))()
            except SystemExit as error:
                if isinstance(error.code, str):
                    sys.stderr.write(error.code + "\n")
                else:
                    code = error.code or 0
            except BaseException:  # noqa: BLE001 - what the interpreter does with it
                sys.excepthook(*sys.exc_info())
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        log.seek(0)
        return os.waitstatus_to_exitcode(status), log.read().decode()


def main() -> None:
    # Loaded by every start before it reads the settings.
    import gunicorn  # noqa: F401

    import bankproject.addresses
    import bankproject.command_line
    import bankproject.navigation
    import bankproject.production

    cases = json.load(sys.stdin)
    if sys.argv[1:] == ["--loaded"]:
        # The whole bank, with this process's variables: one kind of trouble for all cases.
        import django

        django.setup()
        import bankproject.urls  # noqa: F401
    answers = [_start(entry, variables) for entry, variables in cases]
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
