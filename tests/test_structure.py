"""Files and functions stay short. Longer ones are named here, and may only get shorter."""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.__main__ import PACKAGES

ROOT = Path(__file__).resolve().parent.parent

FILE_LINES = 300
TEST_FILE_LINES = 420
FUNCTION_LINES = 60

# One file on purpose: all settings in one place.
LONGER_FILES = {"bankproject/settings.py": 500}
# A list of rules, most of it SQL.
LONGER_FUNCTIONS: dict[str, int] = {"transactions/verifier/sides.py:rules_of_side": 63}


def _sources() -> list[Path]:
    return [
        path
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if "migrations" not in path.parts
    ]


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", _sources(), ids=_name)
def test_no_file_or_function_is_too_long(path: Path) -> None:
    name = _name(path)
    lines = len(path.read_text("utf-8").splitlines())
    if "tests" in path.parts:  # Tests may be longer.
        assert lines <= TEST_FILE_LINES, f"{name} has {lines} lines"
        return
    assert lines <= LONGER_FILES.get(name, FILE_LINES), f"{name} has {lines} lines"
    for function, length in _functions(path):
        limit = LONGER_FUNCTIONS.get(f"{name}:{function}", FUNCTION_LINES)
        assert length <= limit, f"{name}: {function} has {length} lines"


def test_the_exceptions_are_still_needed() -> None:
    for name, limit in LONGER_FILES.items():
        lines = len((ROOT / name).read_text("utf-8").splitlines())
        assert FILE_LINES < lines <= limit
    for name, limit in LONGER_FUNCTIONS.items():
        path, _, wanted = name.partition(":")
        lengths = dict(_functions(ROOT / path))
        assert FUNCTION_LINES < lengths[wanted] <= limit


def _public_classes() -> Iterator[tuple[str, str]]:
    """Each public class of the code with its module's path.

    Django prescribes one name for all management commands.
    """
    for path in _sources():
        if "tests" in path.parts or "management" in path.parts:
            continue
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield node.name, _name(path)


def test_no_two_public_classes_have_one_name() -> None:
    places: dict[str, list[str]] = {}
    for name, place in _public_classes():
        places.setdefault(name, []).append(place)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_every_test_of_transactions_lies_in_the_folder_of_its_subject() -> None:
    """Helpers of several folders are in the folder above."""
    folder = ROOT / "transactions" / "tests"
    assert [path.name for path in folder.glob("test_*.py")] == []
    helpers = [path for path in folder.glob("*/*.py") if not path.name.startswith("test_")]
    assert {path.name for path in helpers} == {"__init__.py"}


# A noun that ends the names of several classes says little by itself. The glossary explains each.
SHARED_NOUNS = (
    *("Chart", "Column", "Entry", "Event", "File", "Line", "Outcome", "Preview", "Problem"),
    *("Request", "Result", "Segment", "Side", "Source", "Step"),
)


def test_the_glossary_knows_the_classes_that_share_a_noun() -> None:
    lines = (ROOT / "docs" / "glossary.md").read_text("utf-8").splitlines()
    terms = {line.split(" | ")[0].removeprefix("| ") for line in lines if line.startswith("| ")}
    names = {name for name, _ in _public_classes() if name.endswith(SHARED_NOUNS)}
    words = {re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower() for name in names}
    assert words - terms == set()


# Private API of Django, Django REST framework and psycopg: undocumented, and may change any time.
UNDOCUMENTED = ("close_if_health_check_failed", "health_check_done", "health_check_enabled")
# Underscored, but documented.
DOCUMENTED = ("_meta", "_default_manager", "_base_manager", "_fields", "_replace", "_asdict")
FENCED = "core/sql/django_internals.py"
# Django REST framework's own class for sessions does this too, and ours extends it.
PRIVATE_ELSEWHERE = {"staff/authentication.py": {"request._request"}}


def _private_uses(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Attribute) or node.attr in DOCUMENTED:
            continue
        is_private = node.attr.startswith("_") and not node.attr.endswith("__")
        owner = node.value
        is_own = isinstance(owner, ast.Name) and owner.id in ("self", "cls")
        is_super = isinstance(owner, ast.Call) and ast.unparse(owner) == "super()"
        if node.attr in UNDOCUMENTED or (is_private and not is_own and not is_super):
            yield ast.unparse(node)


def test_private_api_of_others_is_used_in_one_module() -> None:
    uses = {
        _name(path): found
        for path in _sources()
        if "tests" not in path.parts and (found := set(_private_uses(path)))
    }
    assert uses.pop(FENCED)
    assert uses == PRIVATE_ELSEWHERE


# Private methods of libraries that our classes override. If a library drops one, nothing calls ours
# any more.
REPLACED = {
    "clients.validators.ClientCredentialsValidator._create_access_token",
    "clients.validators.ClientCredentialsValidator._load_application",
    "clients.validators.ClientCredentialsValidator._save_bearer_token",
    "core.metrics.folder.Reserved._init_value",
    "core.sql.django_internals._ServerCursor._convert_query",
    "staff.sessions.SessionStore._get_session_from_db",
    "transactions.admin.entry.EntryChangeList._get_deterministic_ordering",
}


def _is_of_a_library(base: type) -> bool:
    return base.__module__.partition(".")[0] not in PACKAGES


def _replaced(module: ModuleType) -> Iterator[str]:
    own = {name: cls for name, cls in vars(module).items() if inspect.isclass(cls)}
    for name, cls in own.items():
        if cls.__module__ != module.__name__:
            continue
        bases = [base for base in cls.__mro__[1:] if _is_of_a_library(base)]
        for method, value in vars(cls).items():
            is_private = method.startswith("_") and not method.endswith("_")
            is_theirs = any(method in vars(base) for base in bases)
            if inspect.isfunction(value) and is_private and is_theirs:
                yield f"{module.__name__}.{name}.{method}"


def test_replaced_private_methods_are_still_there() -> None:
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in _sources()
        if "tests" not in path.parts
        and path.stem not in ("__init__", "gunicorn_conf", "settings", "wsgi")
    ]
    assert {use for name in names for use in _replaced(importlib.import_module(name))} == REPLACED
