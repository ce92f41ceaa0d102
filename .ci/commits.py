"""Checks the messages of commits: how long, why, and no leftovers of work in progress.

    python .ci/commits.py [FOLDER]

It reads the commits since the last tag before HEAD, but no older ones than the commit that added
this file: the rules hold from there. A shallow clone, or a fork without tags, has fewer commits to
check and needs no other call. The output names each bad commit; the exit code is then 1.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RULES = ".ci/commits.py"  # A commit whose tree has this file must follow the rules in it.
LONGEST_SUBJECT = 72
# A change of so few lines may explain itself. Moved files do not count.
TRIVIAL_LINES = 20

_SUBJECT = re.compile(r'[\w./-]+(?:, [\w./-]+)*: [A-Z]|Revert "|Bump ')
_UNFINISHED = re.compile(r"\bwip\b|^(?:fixup|squash|amend)!", re.IGNORECASE)
_MERGE_OF_MAIN = re.compile(r"Merge (?:remote-tracking )?(?:branch )?'?(?:origin/)?main\b")
# What git or a forge writes below a message says nothing of its reasons.
_TRAILER = re.compile(r"[A-Z][\w-]+-(?:[Bb]y|[Ii]d): .*")


def main(arguments: list[str]) -> int:
    folder = Path(arguments[0]) if arguments else ROOT
    try:
        commits = to_check(folder)
        faults = [fault for commit in commits for fault in faults_of(folder, commit)]
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"commits: git gives no history here, so nothing was checked: {error}")
        return 0
    print("\n".join([*faults, f"commits: {len(commits)} checked, {len(faults)} faults"]))
    return 1 if faults else 0


def to_check(folder: Path) -> list[str]:
    """The ids of the commits that must follow the rules, oldest first."""
    begin = _git(folder, "log", "--diff-filter=A", "--format=%H", "--", RULES).split()
    tag = _last_tag(folder)
    not_these = [f"{commit}^@" for commit in begin[-1:]] + ([tag] if tag else [])
    found = _git(folder, "rev-list", "--reverse", "HEAD", "--not", *not_these).split()
    # A branch that began before the rules and was merged later has commits without them.
    return [commit for commit in found if _git(folder, "ls-tree", commit, RULES)]


def faults_of(folder: Path, commit: str) -> list[str]:
    """A line for each rule that the commit breaks."""
    message = _git(folder, "log", "-1", "--format=%P%n%B", commit)
    parents, subject, *rest = message.split("\n")
    if " " in parents:
        bad = ["merges main; rebase on it instead"] if _MERGE_OF_MAIN.match(subject) else []
    else:
        bad = _faults_of_subject(subject)
        lines = [line for line in rest if line and not _TRAILER.fullmatch(line)]
        # Without its parent, the last commit of a shallow clone seems to add every file.
        changed = _changed_lines(folder, commit) if parents else 0
        if not lines and changed > TRIVIAL_LINES:
            bad.append(f"changes {changed} lines and has no body that says why")
    return [f"{commit[:10]} {fault}: {subject}" for fault in bad]


def _faults_of_subject(subject: str) -> list[str]:
    bad = []
    if len(subject) > LONGEST_SUBJECT:
        bad.append(f"has a subject of {len(subject)} characters, {LONGEST_SUBJECT} at most")
    if _UNFINISHED.search(subject):
        bad.append("is work in progress")
    elif not _SUBJECT.match(subject):
        bad.append('has a subject that is not "area: Imperative sentence."')
    return bad


def _changed_lines(folder: Path, commit: str) -> int:
    numbers = _git(folder, "show", "--numstat", "--format=", "-M", commit).splitlines()
    # A binary file has "-" for both.
    return sum(int(n) for line in numbers for n in line.split("\t")[:2] if n != "-")


def _last_tag(folder: Path) -> str:
    """The last tag before HEAD: the commits of a release are checked once more with its tag."""
    try:
        return _git(folder, "describe", "--tags", "--abbrev=0", "HEAD^").strip()
    except subprocess.CalledProcessError:
        return ""


def _git(folder: Path, *words: str) -> str:
    # The folder of a CI job may belong to another user.
    command = ["git", "-c", "safe.directory=*", "-C", str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
