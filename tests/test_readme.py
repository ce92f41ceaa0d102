"""README.md and the documents are right: examples, links, names and variables."""

import ast
import itertools
import json
import pkgutil
import re
from pathlib import Path

import pytest

from statements import verifying
from tests.__main__ import PACKAGES
from tests.demo_bank import ROOT, demo_bank
from tests.shown_examples import PAGES, Masks, answers_of, laid_out, shown_examples

DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        ROOT / "data" / "README.md",
        ROOT / "tests" / "README.md",
    ]
)
_BY_NAME = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT))
)

_FENCED = re.compile(r"^```.*?^```\n", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_FILE_IN_CODE = re.compile(r"`([\w./-]+\.(?:py|md|yaml|toml|txt|png))`")
# `transactions.csv` is a file, not a name in the code.
_NAME_IN_CODE = re.compile(
    rf"`((?:{'|'.join(PACKAGES)}|tests)(?:\.\w+)+)(?<!\.csv)(?<!\.jsonl)(?:\(\))?`"
)
# No other file of a running bank has one of these endings.
_MADE_BY_A_BANK = {"demo_logins.txt"}
_README = ROOT / "README.md"
_MOST_LINES = 150
_LINES_BEFORE_THE_FIRST_SCROLL = 70


# Examples -----------------------------------------------------------------------------------------


@pytest.mark.sqlite
@pytest.mark.slow
def test_every_example_answers_what_is_shown():
    examples = {page: shown_examples(page.read_text("utf-8")) for page in PAGES}
    assert all(len(found) > 1 for found in examples.values())
    with demo_bank() as bank:
        answers = {page: answers_of(found, bank) for page, found in examples.items()}
    shown, answered = Masks(), Masks()
    for page, found in examples.items():
        for example, answer in zip(found, answers[page], strict=True):
            assert answered.apply(answer) == shown.apply(example.answer), example.commands


def test_readme_is_short_and_begins_with_how_to_run_it_and_move_money():
    lines = _README.read_text("utf-8").splitlines()
    assert len(lines) <= _MOST_LINES
    beginning = "\n".join(lines[:_LINES_BEFORE_THE_FIRST_SCROLL])
    for words in ("![", "make run", "/deposit/", "/transfer/"):
        assert words in beginning


def test_masks_tell_one_id_from_another():
    one, other = "01a208e9-9d1b-70a3-8000-773a3e6087af", "01a208e9-9e8d-77a1-8000-80e4e9fb233a"
    masks = Masks()
    assert masks.apply(f'{{"account_id":"{one}"}}') == '{"account_id": "<id 1>"}'
    assert masks.apply(f'["{other}","{one}"]') == '["<id 2>", "<id 1>"]'
    assert masks.apply('{"at":"2026-11-23T14:57:39.475866Z"}') == '{"at": "<time>"}'
    assert masks.apply('{"from":"2026-11-23"}') == '{"from": "<date>"}'
    assert masks.apply('["905276226298","500.00"]') == '["<number 3>", "500.00"]'
    assert masks.apply('["9052762262","905276226298"]') == '["<number 4>", "<number 3>"]'


def test_layout_breaks_between_members_only():
    detail = ", ".join(["a text with blanks"] * 4)
    answer = json.dumps({"detail": f"{detail}, and so on", "next": None})
    assert laid_out(answer) == (
        '{"detail": "a text with blanks, a text with blanks, a text with blanks, '
        'a text with blanks, and so on",\n "next": null}\n'
    )


# Links and names ----------------------------------------------------------------------------------


def _text_of(document: Path) -> str:
    """The text without its fenced blocks, in which a bracket is no link."""
    return _FENCED.sub("", document.read_text("utf-8"))


def _anchors(document: Path) -> set[str]:
    """The anchors that GitHub makes from headings."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in _HEADING.findall(_text_of(document))
    }


@_BY_NAME
def test_relative_links_lead_somewhere(document):
    broken = []
    for link in _LINK.findall(_text_of(document)):
        if re.match(r"\w+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    assert broken == []


@_BY_NAME
def test_named_files_exist(document):
    """Relative to the document's own folder, or to the root."""
    found = _FILE_IN_CODE.findall(_text_of(document))
    names = [name for name in found if Path(name).name not in _MADE_BY_A_BANK]
    places = (document.parent, ROOT)
    assert [name for name in names if not any((place / name).exists() for place in places)] == []


@_BY_NAME
def test_named_parts_of_the_code_exist(document):
    for name in _NAME_IN_CODE.findall(_text_of(document)):
        pkgutil.resolve_name(name)  # raises ImportError or AttributeError, with the name


def test_every_decision_is_numbered_and_listed():
    files = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
    assert [int(path.name[:4]) for path in files] == list(range(1, len(files) + 1))
    listed = _LINK.findall((ROOT / "docs" / "adr" / "README.md").read_text("utf-8"))
    assert listed == [path.name for path in files]


def test_every_helper_of_tests_is_listed():
    """Except for commands (`python -m tests.soak`)."""
    listed = _LINK.findall((ROOT / "tests" / "README.md").read_text("utf-8"))
    helpers = {
        path.name
        for path in (ROOT / "tests").glob("*.py")
        if not path.name.startswith(("test_", "__", "conftest"))
        and "-m tests." not in (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "")
    }
    assert helpers - set(listed) == set()


def test_reliability_lists_the_rules_of_the_verifier():
    text = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    table = re.findall(r"^\| ([A-Z]\d) \|.*\| (`.+`) \|$", text, re.MULTILINE)
    listed = [f"{name}.{rule}" for name, rules in table for rule in re.findall(r"`(\w+)`", rules)]
    found = {
        node.value
        for app in ("transactions", "seals")
        for path in (ROOT / app / "verifier").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and re.fullmatch(r"[A-Z]\d\.\w+", str(node.value))
    }
    found |= {f"B1.statement_{rule}" for rule in verifying._SAYS}
    assert sorted(listed) == sorted(found)


# Variables ----------------------------------------------------------------------------------------


def _variables_read() -> set[str]:
    """The variables that the code reads, by bankproject.environment or by os.environ."""
    files = itertools.chain.from_iterable((ROOT / name).rglob("*.py") for name in PACKAGES)
    return {
        name
        for path in files
        if "tests" not in path.parts
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in _read_by(node)
    }


def _read_by(node: ast.AST) -> list[str]:
    match node:
        # In bankproject.environment itself.
        case ast.Call(
            func=ast.Name("text" | "boolean" | "integer" | "words" | "host"),
            args=[ast.Constant(str(name)), *_],
        ):
            return [name]
        case ast.Call(
            func=ast.Attribute(value=ast.Name("environment")),
            args=[ast.Constant(str(name)), *_],
        ):
            return [name]
        case ast.Call(
            func=ast.Attribute(attr="get" | "getenv" | "pop", value=value),
            args=[ast.Constant(str(name)), *_],
        ) if ast.unparse(value) in {"os", "os.environ"}:
            return [name]
        case ast.Subscript(value=value, slice=ast.Constant(str(name)), ctx=ast.Load()) if (
            ast.unparse(value) == "os.environ"
        ):
            return [name]
    return []


def _variables_in(table: str) -> list[str]:
    return re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE)


def test_configuration_table_lists_what_is_read_and_nothing_else():
    listed = _variables_in((ROOT / "docs" / "configuration.md").read_text("utf-8"))
    assert len(listed) == len(set(listed))
    assert set(listed) == _variables_read()


def test_example_of_dotenv_lists_what_is_read_and_what_docker_compose_takes():
    listed = set(
        re.findall(r"^# ([A-Z_]+)=", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE)
    )
    compose = (ROOT / "docker-compose.yml").read_text("utf-8")
    taken_by_compose = {"COMPOSE_PROFILES", *re.findall(r"\$\{([A-Z_]+)", compose)}
    assert _variables_read() <= listed <= _variables_read() | taken_by_compose
