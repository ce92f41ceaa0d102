"""The Dockerfile without a container engine: its instructions, and its files in a clean folder."""

import json
import re
import shlex
import shutil
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its keyword, and the rest on one line."""

    keyword: str
    rest: str

    def words(self) -> list[str]:
        """The words of the exec form. Raises ValueError for the shell form."""
        words: list[str] = json.loads(self.rest[self.rest.index("[") :])
        return words


def stages() -> list[list[Instruction]]:
    """The instructions of each stage, FROM first. Those before the first FROM are left out."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    found: list[list[Instruction]] = []
    for line in text.replace("\\\n", " ").splitlines():
        keyword, _, rest = line.strip().partition(" ")
        if keyword == "FROM":
            found.append([])
        if keyword and found:
            found[-1].append(Instruction(keyword, rest.strip()))
    return found


def last(keyword: str) -> Instruction:
    """The last, and so effective, instruction of this kind in the final stage."""
    return [item for item in stages()[-1] if item.keyword == keyword][-1]


def environment() -> dict[str, str]:
    """All ENV of the final stage."""
    pairs = [
        word for item in stages()[-1] if item.keyword == "ENV" for word in shlex.split(item.rest)
    ]
    return dict(pair.split("=", 1) for pair in pairs)


def context_rules() -> tuple[set[str], set[str]]:
    """.dockerignore: the included names, and the patterns excluded at every depth.

    Raises ValueError for a rule of another form, and unless it first excludes everything.
    """
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    if rules[0] != "*":
        raise ValueError("The context must begin with nothing in it.")
    included = {rule[1:] for rule in rules if re.fullmatch(r"![\w./]+", rule)}
    excluded = {rule[3:] for rule in rules if re.fullmatch(r"\*\*/\w+", rule)}
    if len(included) + len(excluded) + 1 != len(rules):
        raise ValueError("A rule of .dockerignore has a form that is not known here.")
    return included, excluded


def copy_context(target: Path) -> None:
    """`COPY . .`: copies the build context, filtered by .dockerignore, into `target`."""
    included, excluded = context_rules()

    def left_out(_folder: str, names: list[str]) -> set[str]:
        return {name for name in names if any(fnmatch(name, rule) for rule in excluded)}

    for name in sorted(included):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=left_out)
        else:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target / name)
