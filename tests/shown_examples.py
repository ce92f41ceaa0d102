"""The examples of README.md and docs/tour.md, and a real bank's responses to them.

    python -m tests.shown_examples     runs them and writes the responses into both pages

An example is a fenced block of `bash`. The fenced block of `json` after it, if any, is its output.
The examples of a page run in one shell, from top to bottom, against one fresh demo bank.
"""

import json
import re
import shutil
import subprocess
import tempfile
import textwrap
from dataclasses import dataclass
from functools import partial

from tests.demo_bank import ROOT, DemoBank, demo_bank

PAGES = (ROOT / "README.md", ROOT / "docs" / "tour.md")
SHOWN_URL = "http://127.0.0.1:5000"
# Placeholders in the pages, which the reader replaces.
SHOWN_TOKEN = "paste-the-token-here"
SHOWN_ID = "paste-the-client-id-here"
SHOWN_SECRET = "paste-the-client-secret-here"

_EXAMPLE = re.compile(
    r"^```bash\n(?P<commands>.*?)^```\n(?:\n```json\n(?P<answer>.*?)^```\n)?",
    re.MULTILINE | re.DOTALL,
)
_TOKEN = re.compile(r'(?<="access_token": ")[\w-]+')
_SEPARATOR = "=== end of example ==="
_RUN_SECONDS = 120
_BASH = shutil.which("bash") or "/bin/bash"
_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Example:
    """Commands for bash, and the JSON they print, "" for nothing."""

    commands: str
    answer: str


def shown_examples(text: str) -> list[Example]:
    """The examples of a Markdown text, in its order."""
    return [Example(match["commands"], match["answer"] or "") for match in _EXAMPLE.finditer(text)]


def answers_of(examples: list[Example], bank: DemoBank) -> list[str]:
    """The output of each example, with the URLs that a reader sees.

    Raises RuntimeError, with the shell's messages, if a command fails.
    """
    script = "".join(f"{example.commands}echo; echo '{_SEPARATOR}'\n" for example in examples)
    assert SHOWN_URL in script
    for shown, real in (
        (SHOWN_URL, bank.url),
        (SHOWN_TOKEN, bank.token),
        (SHOWN_ID, bank.client_id),
        (SHOWN_SECRET, bank.client_secret),
    ):
        script = script.replace(shown, real)
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [_BASH, "-euo", "pipefail"],
            input=script,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_RUN_SECONDS,
            check=False,
        )
    if done.returncode != 0:
        raise RuntimeError(f"bash ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    printed = done.stdout.replace(bank.url, SHOWN_URL).split(_SEPARATOR)
    return [answer.strip() for answer in printed[:-1]]


class Masks:
    """Replaces values that differ from run to run, so that two runs compare equal.

    Ids and the numbers of accounts and customers are numbered in order of appearance. The same id
    has the same mask everywhere, so a response about a wrong account is detected.
    """

    _COUNTED = {
        "id": re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b"),
        # Of an account, or of a customer.
        "number": re.compile(r"\b(?:\d{12}|\d{10})\b"),
    }
    _PLAIN = {
        "time": re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"),
        "date": re.compile(r"\b\d{4}-\d\d-\d\d\b"),
        "request id": re.compile(r"\b[0-9a-f]{32}\b"),
        "token": _TOKEN,
        "cursor": re.compile(r"(?<=cursor=)[\w-]+"),
        "worker": re.compile(r"(?<=\"worker:)[^\"]+"),
        "client": re.compile(r"(?<=\"client:)[^\"]+"),
    }

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def apply(self, answer: str) -> str:
        """The response, compact, with masks in angle brackets. Raises ValueError unless JSON."""
        text = json.dumps(json.loads(answer)) if answer else ""
        for name, pattern in self._PLAIN.items():
            text = pattern.sub(f"<{name}>", text)
        for name, pattern in self._COUNTED.items():
            text = pattern.sub(partial(self._counted, name), text)
        return text

    def _counted(self, name: str, match: re.Match[str]) -> str:
        return self._known.setdefault(match[0], f"<{name} {len(self._known) + 1}>")


def laid_out(answer: str) -> str:
    """The same JSON in lines of at most 100 characters, broken between members only."""
    text = json.dumps(json.loads(answer), ensure_ascii=False)
    # Real tokens do not belong in a document, not even expired ones.
    text = _TOKEN.sub("a-token", text)
    # Nor does the name of the machine.
    text = re.sub(r'(?<="worker:)[^"]+', "host:4711", text)
    text = re.sub(r'(?<="client:)[^"]+', "the-client-id", text)
    # Blanks within texts and after colons do not break.
    text = re.sub(r'"(?:[^"\\]|\\.)*"', lambda match: match[0].replace(" ", "\0"), text)
    text = text.replace('": ', '":\0')
    lines = textwrap.wrap(
        text, _WIDTH, subsequent_indent=" ", break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines).replace("\0", " ") + "\n"


def rewritten(text: str, answers: list[str]) -> str:
    """The text, with these responses below its examples."""
    remaining = iter(answers)

    def with_answer(match: re.Match[str]) -> str:
        answer = next(remaining)
        block = f"\n```json\n{laid_out(answer)}```\n" if answer else ""
        return f"```bash\n{match['commands']}```\n{block}"

    return _EXAMPLE.sub(with_answer, text)


def main() -> None:
    with demo_bank() as bank:
        for page in PAGES:
            text = page.read_text("utf-8")
            answers = answers_of(shown_examples(text), bank)
            page.write_text(rewritten(text, answers), "utf-8")


if __name__ == "__main__":
    main()
