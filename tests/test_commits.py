"""`.ci/commits.py` refuses messages that break the rules, in every clone, except older ones."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).resolve().parent.parent / ".ci" / "commits.py"
LONG = "core: " + "A" * 67
Result = tuple[int, list[str]]


class Repository:
    """A repository whose first commit is older than the rules, and whose second one adds them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "-q", "-b", "main")
        self.commit("wip before the rules", lines=30)
        (folder / ".ci").mkdir()
        shutil.copy(CHECK, folder / ".ci" / "commits.py")
        self.commit("ci: Check the messages of commits.\n\nNobody reads them all.")

    def git(self, *words: str) -> str:
        # No git setting of the caller applies.
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
        } | {
            f"GIT_{who}_{what}": f"{what.lower()}@example.com"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        command = ["git", "-C", str(self.folder), *words]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        ).stdout

    def commit(self, message: str, *, lines: int = 1, name: str = "file") -> None:
        with (self.folder / name).open("a") as file:
            file.write("A line.\n" * lines)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def check(self) -> Result:
        """Exit code, and the output lines without commit ids."""
        done = subprocess.run(
            [sys.executable, str(CHECK), str(self.folder)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.stderr == ""
        return done.returncode, re.sub(r"(?m)^[0-9a-f]{10} ", "", done.stdout).splitlines()

    def clone(self, *options: str) -> "Repository":
        other = object.__new__(Repository)
        other.folder = self.folder.with_name("clone")
        self.git("clone", "-q", *options, f"file://{self.folder}", str(other.folder))
        return other


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


def test_the_rules_hold_from_the_commit_that_adds_them(repository: Repository) -> None:
    assert repository.check() == (0, ["commits: 1 checked, 0 faults"])


@pytest.mark.parametrize(
    ("message", "lines"),
    [
        ("core: Mend a word.", 20),
        (LONG[:72], 1),
        ("core, docs: Say it.\n\nThe reason.", 21),
        ("transactions/tests: Move.", 1),
        ('Revert "core: Say it."', 1),
        ("Bump django from 5.2.7 to 5.2.8", 1),
    ],
)
def test_a_good_message_passes(repository: Repository, message: str, lines: int) -> None:
    repository.commit(message, lines=lines)
    assert repository.check() == (0, ["commits: 2 checked, 0 faults"])


@pytest.mark.parametrize(
    ("message", "lines", "fault"),
    [
        (LONG, 1, "has a subject of 73 characters, 72 at most"),
        ("core: Say it.", 21, "changes 21 lines and has no body that says why"),
        ("core: Say it.\n\nSigned-off-by: a <a@example.com>", 21,
         "changes 21 lines and has no body that says why"),
        ("core: WIP.", 1, "is work in progress"),
        ("wip", 1, "is work in progress"),
        ("fixup! core: Say it.", 1, "is work in progress"),
        ("Say it", 1, 'has a subject that is not "area: Imperative sentence."'),
        ("core: say it.", 1, 'has a subject that is not "area: Imperative sentence."'),
    ],
)  # fmt: skip
def test_a_bad_message_is_named(
    repository: Repository, message: str, lines: int, fault: str
) -> None:
    repository.commit(message, lines=lines)
    subject = message.partition("\n")[0]
    expected = [f"{fault}: {subject}", "commits: 2 checked, 1 faults"]
    assert repository.check() == (1, expected)
    repository.commit("core: Mend it.")
    assert repository.check() == (1, [expected[0], "commits: 3 checked, 1 faults"])


def test_a_moved_file_does_not_count_as_changed(repository: Repository) -> None:
    repository.git("mv", "file", "other")
    repository.commit("core: Move a file.", name="note")
    assert repository.check() == (0, ["commits: 2 checked, 0 faults"])


def _branch(repository: Repository) -> None:
    repository.git("checkout", "-q", "-b", "feature")
    repository.commit("core: Say it.", name="other")
    repository.git("checkout", "-q", "main")
    repository.commit("core: Go on.")


def test_a_merge_of_main_is_refused_and_that_of_a_feature_is_not(repository: Repository) -> None:
    _branch(repository)
    repository.git(
        "merge", "-q", "--no-ff", "-m", "Merge pull request #1 from fork/main", "feature"
    )
    assert repository.check() == (0, ["commits: 4 checked, 0 faults"])
    repository.git("checkout", "-q", "feature")
    repository.commit("core: Go on too.", name="other")
    repository.git("checkout", "-q", "-b", "late", "main~1")
    repository.commit("core: Begin late.", name="third")
    repository.git("merge", "-q", "--no-edit", "main")
    code, (fault, total) = repository.check()
    assert (code, fault) == (1, "merges main; rebase on it instead: Merge branch 'main' into late")
    assert total == "commits: 6 checked, 1 faults"


def test_a_branch_that_is_older_than_the_rules_may_be_merged(repository: Repository) -> None:
    repository.git("checkout", "-q", "-b", "old", "main~1")
    repository.commit("wip", name="other")
    repository.git("checkout", "-q", "main")
    repository.git("merge", "-q", "--no-edit", "old")
    assert repository.check() == (0, ["commits: 2 checked, 0 faults"])


def test_tagged_commits_are_not_checked_again(repository: Repository) -> None:
    repository.commit("wip")
    repository.git("tag", "v1")
    assert repository.check()[0] == 1
    repository.commit("core: Go on.")
    assert repository.check() == (0, ["commits: 1 checked, 0 faults"])


@pytest.mark.parametrize(
    ("options", "checked"), [((), 4), (("--depth", "2"), 2), (("--depth", "1"), 1)]
)
@pytest.mark.parametrize(("last", "code"), [("core: Go on.", 0), ("wip", 1)])
def test_any_clone_is_checked_as_far_as_it_goes(
    repository: Repository, options: tuple[str, ...], checked: int, last: str, code: int
) -> None:
    repository.commit("core: Say it.")
    repository.commit("core: Say more.")
    repository.commit(last)
    clone = repository.clone(*options)
    assert clone.check()[0] == code
    assert clone.check()[1][-1] == f"commits: {checked} checked, {code} faults"


def test_a_folder_without_a_history_passes_and_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(CHECK), str(tmp_path)],
        env=os.environ | {"GIT_CEILING_DIRECTORIES": str(tmp_path.parent)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, "nothing was checked" in done.stdout) == (0, True)
