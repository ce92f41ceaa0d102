"""A trial plants one bug in a copy of the tree and runs the tests that should catch it."""

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.databases import TEMPLATE, Databases
from tests.mutants.mutant import ROOT, Mutant
from tests.mutants.reuse import NAME_VARIABLE

KILLED, HUNG, SURVIVED, BROKEN = "killed", "hung", "survived", "broken"

# Any test that uses the database without committing: it makes pytest create the template.
_MAKES_TEMPLATE = "accounts/tests/test_rename.py"
# Parts of the names of files that determine what `migrate` creates.
_MADE_BY_MIGRATE = ("/migrations/", "/guards", "/states.py")
# A line of pytest's summary. Lines of a log may begin with the same word.
_FAILURE = re.compile(r"(?:FAILED|ERROR) ([\w/]+\.py\b.*?)(?: - .*)?$")
_TESTS_FAILED = 1
_LAST_LINES = 15


@dataclass(slots=True)
class Workshop:
    """A copy of the tree, in which bugs are planted one after the other.

    `name` names its copies of the databases, by kind. The caller's tree stays unchanged.
    """

    name: str
    tree: Path
    databases: dict[str, Databases]
    seconds: int

    def copy_tree(self) -> None:
        """Copies all tracked and untracked files of the caller's tree, except those that git
        ignores.
        """
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],  # noqa: S607
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.tree / name)

    def make_template(self, kind: str) -> None:
        """Creates and migrates the template of this kind of database."""
        options = ["--create-db", "--reuse-db", _MAKES_TEMPLATE]
        process = self._pytest(self.databases[kind], TEMPLATE, options)
        output, _ = process.communicate()
        if process.returncode:
            raise RuntimeError(f"No {kind} database could be made:\n{_last_lines(output)}")

    def failures_without_mutant(self, kind: str, tests: Sequence[str]) -> list[str]:
        """Those of these tests that fail without a bug. Raises RuntimeError if none ran."""
        self.databases[kind].renew(self.name)
        process = self._pytest(self.databases[kind], self.name, ["--reuse-db", *tests])
        output, _ = process.communicate()
        if process.returncode not in (0, _TESTS_FAILED):
            raise RuntimeError(f"The tests do not run:\n{_last_lines(output)}")
        return _failures(output)

    def try_out(self, mutant: Mutant) -> tuple[str, str]:
        """Plants the bug, runs its tests, and removes the bug. Returns the verdict, and why.

        For a killed mutant the reason is the name of the test that caught it. Tests that hang prove
        something only if they end in that time without the bug.
        """
        verdict = self._with_bug(mutant)
        if verdict[0] == HUNG:
            database = self.databases[mutant.database]
            database.renew(self.name)
            if self._verdict(database, ["--reuse-db", *mutant.tests])[0] == HUNG:
                return BROKEN, f"needs more than {self.seconds} s without it as well"
        return verdict

    def _with_bug(self, mutant: Mutant) -> tuple[str, str]:
        original = (self.tree / mutant.file).read_bytes()
        database = self.databases[mutant.database]
        database.renew(self.name)
        try:
            mutant.plant(self.tree)
            # The template already has the guards, and would keep one that the mutant removes.
            is_made = any(word in mutant.file for word in _MADE_BY_MIGRATE)
            option = "--create-db" if is_made else "--reuse-db"
            return self._verdict(database, [option, *mutant.tests])
        except ValueError as error:
            return BROKEN, str(error)
        finally:
            (self.tree / mutant.file).write_bytes(original)

    def _verdict(self, database: Databases, arguments: Sequence[str]) -> tuple[str, str]:
        process = self._pytest(database, self.name, ["--exitfirst", *arguments])
        try:
            output, _ = process.communicate(timeout=self.seconds)
        except subprocess.TimeoutExpired:
            return HUNG, f"after {self.seconds} s"
        finally:
            _end(process)
        if process.returncode == 0:
            return SURVIVED, ""
        if process.returncode == _TESTS_FAILED:
            return KILLED, next(iter(_failures(output)), "")
        return BROKEN, _last_lines(output)

    def _pytest(
        self, database: Databases, copy: str, arguments: Sequence[str]
    ) -> subprocess.Popen[str]:
        data_dir = self.tree.parent / f"{self.name}-data"
        shutil.rmtree(data_dir, ignore_errors=True)
        data_dir.mkdir()
        environment = os.environ | {
            "DATABASE_URL": database.url,
            "BANK_DATA_DIR": str(data_dir),
            "DJANGO_SECRET_KEY": secrets.token_urlsafe(48),
            NAME_VARIABLE: database.name_of(copy),
            # Half the time of a short run goes into plugins that none of these tests needs.
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }
        plugins = ["pytest_django.plugin", "tests.mutants.reuse", "no:cacheprovider"]
        options = [word for name in plugins for word in ("-p", name)] + ["-q", "--tb=line"]
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", *options, *arguments],
            cwd=self.tree,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


def _end(process: subprocess.Popen[str]) -> None:
    """Ends pytest and all its remaining children."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _failures(output: str) -> list[str]:
    """The names of the failed tests in pytest's summary."""
    found = (_FAILURE.match(line) for line in output.splitlines())
    return list(dict.fromkeys(match[1] for match in found if match))


def _last_lines(output: str) -> str:
    return "\n".join(output.splitlines()[-_LAST_LINES:])
