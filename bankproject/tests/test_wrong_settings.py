"""A wrong setting gives one sentence and exit code 1, for each variable and each program."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bankproject.variable_names import OF_COMPOSE

ROOT = Path(__file__).resolve().parent.parent.parent
KEY = "pZ8-tR4vK1mW7yB3nQ9xC5sD2fG6hJ0aL_eUiOwYbVcXzAqSdFgHj"
PROGRAMS = ("check", "serve", "wsgi")
SERVER_VARIABLES = {
    "HOST",
    "PORT",
    "WEB_CONCURRENCY",
    "BANK_SERVE_WORKER",
    "BANK_METRICS",
    "BANK_GATHERING",
}

# These accept any printable text. WRONG has their other errors.
TEXTS = {
    "BANK_NAME",
    "BANK_BACKUP_DIR",
    "BANK_DATA_DIR",
    "BANK_LAKE_DIR",
    "BANK_SEAL_KEY_FILE",
    "DJANGO_SECRET_KEY",
    "DJANGO_SECRET_KEY_FALLBACKS",
    "DJANGO_SECRET_KEY_FILE",
}
# These accept a name of digits only.
NAMES = {"HOST", "BANK_PUBLISHED_ON", "DJANGO_ALLOWED_HOSTS"}
UNPRINTABLE = "a\x07b"
NONSENSE = "?!"
TOO_MUCH = "99999999999999"
WRONG: dict[str, list[str]] = {
    "BANK_APPROVAL_DAILY_THRESHOLDS": ["USD:", "USD:1;EUR:2", "USD:5,USD:6"],
    "BANK_APPROVAL_THRESHOLDS": ["USD", "XXX:1", "USD:1.001", "USD:-1", "100", "USD:5,USD:6"],
    "BANK_DATA_DIR": ["{file}", "{file}/below"],
    "BANK_DEFAULT_CURRENCY": ["usd", "EURO"],
    "BANK_FAILPOINTS": ["nowhere=kill"],
    "BANK_FAILPOINT_FUSES": ["{file}"],
    "BANK_ISOLATION_LEVEL": ["repeatable read"],
    "BANK_LOCKOUT_MINUTES": ["0", "-1", "1.5", "15 minutes", "9" * 5000],
    "BANK_LOG_LEVEL": ["LOUD"],
    "BANK_SEAL_KEY": ["c2hvcnQ=", "A" * 44, "not base64"],
    "BANK_APPROVAL_MAIL_MINUTES": ["0", "1441"],
    "BANK_MAIL_FROM": ["bank", "Bank <bank@example.com>", "a@b@c", "bank@example.com,x@y.org"],
    "BANK_METRICS_TOKEN": ["a" * 31, "secret " * 10, "=" * 40],
    "BANK_PUBLIC_URL": ["bank.example.com", "ftp://bank.example.com", "https://bank.example.com/x"],
    "BANK_TIME_ZONE": ["Berlin", "Europe/berlin", "+01:00", "../etc/passwd", "/etc/localtime"],
    "PRESTO_URL": ["presto", "http://host:8080", "http://a:b@host", "http://a@host:x", "ftp://a@h"],
    "BANK_REPLICA_MAX_LAG_SECONDS": ["0", "3601"],
    "BANK_REPLICA_URL": [
        "garbage",
        "sqlite:///x",
        "postgresql://bank@db",
        "postgresql://bank@db:0/bank",
        "postgresql://bank@db/bank",  # DATABASE_URL is missing.
    ],
    "CACHE_URL": ["redis//x", "redis://", "redis://x:abc", "memcached://x"],
    "DATABASE_URL": [
        "garbage",
        "sqlite:///x",
        "sqlite:////tmp/x",
        "mysql://bank@db/bank",
        "postgresql://",
        "postgresql://bank@db",
        "postgresql://bank@db:abc/bank",
        "postgresql://bank@db:0/bank",
        "postgresql://bank@db/bank?nothing=1",
        "postgresql://bank@[db/bank",
    ],
    "DJANGO_ALLOWED_HOSTS": ["https://bank.example.com", "bank.example.com:5000", "a b"],
    "DJANGO_CSRF_TRUSTED_ORIGINS": ["bank.example.com"],
    "DJANGO_SECRET_KEY_FILE": ["{file}", "{file}/below"],
    "EMAIL_URL": [
        "mail.example.com",
        "smtp://",
        "smtp://mail.example.com",  # BANK_MAIL_FROM is missing.
        "smtp://mail.example.com:abc",
        "smtp://mail.example.com:0",
        "smtp://bank:password@mail.example.com",
        "smtp+tls://bank@mail.example.com",
        "smtp+tls://bank:password@mail.example.com/inbox",
        "smtp+tls://bank:password@mail.example.com?timeout=1",
        "smtp+tls://bank:password@[mail",
        "consolemail://",
        "imap://mail.example.com",
    ],
    "PORT": ["abc", "0", "65536"],
    "WEB_CONCURRENCY": ["0", "2.5"],
}
MISSPELT = {
    "BANK_LOKOUT_MINUTES": "BANK_LOCKOUT_MINUTES",
    "BANK_LOCKOUT_MINUTE": "BANK_LOCKOUT_MINUTES",
    "BANK_DATADIR": "BANK_DATA_DIR",
    "DJANGO_ALLOWED_HOST": "DJANGO_ALLOWED_HOSTS",
    "DJANGO_SECRETKEY": "DJANGO_SECRET_KEY",
    "BANK_PORT": "",
    "BANK_SOMETHING_ELSE": "",
}

Start = tuple[str, dict[str, str]]


def start_all(
    folder: Path,
    starts: Sequence[Start],
    loaded: dict[str, str] | None = None,
    launcher: Sequence[str] = (),
) -> list[tuple[int, str]]:
    """Exit code and output of each program, with only these variables of the bank.

    With `loaded` the bank is loaded once, under those variables. `launcher` is a prefix that starts
    Python.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not re.match("BANK_|DJANGO_|DATABASE_|CACHE_|EMAIL_|HOST$|PORT$|WEB_CONC|COVERAGE", name)
    }
    done = subprocess.run(
        [
            *launcher,
            *(sys.executable, "-m", "tests.forked_starts"),
            *([] if loaded is None else ["--loaded"]),
        ],
        cwd=ROOT,
        env=kept
        | {"DJANGO_SETTINGS_MODULE": "bankproject.settings"}
        | {"BANK_DATA_DIR": str(folder)}
        | (loaded or {}),
        input=json.dumps(starts),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return [(code, output) for code, output in json.loads(done.stdout)]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of all settings, as the code reads them."""
    ((code, output),) = start_all(tmp_path_factory.mktemp("names"), [("names", {})])
    assert code == 0, output
    found: list[str] = json.loads(output)
    return found


def wrong_values(name: str, file: Path) -> list[str]:
    values = [UNPRINTABLE, *(value.format(file=file) for value in WRONG.get(name, []))]
    if name not in TEXTS:
        values.append(NONSENSE)
        if name not in NAMES:
            values.append(TOO_MUCH)
    return values


def require_one_sentence(code: int, output: str, start: Start) -> None:
    assert code == 1, (start, output)
    assert "Traceback" not in output, (start, output)
    assert output.count("\n") == 1, (start, output)
    assert output.endswith((".\n", "?\n", ")\n")), (start, output)


def test_each_wrong_value_of_each_variable_is_one_sentence_that_names_it(
    names: list[str], tmp_path: Path, show: Callable[[str], None]
) -> None:
    assert len(names) >= 56
    file = tmp_path / "file"
    file.write_text("neither a folder nor a key")
    starts: list[Start] = [
        (program, {name: value})
        for name in names
        for number, value in enumerate(reversed(wrong_values(name, file)))
        # All programs read the settings alike, so one value of each variable is enough for the
        # others.
        for program in (PROGRAMS if number == 0 else PROGRAMS[:1])
    ]
    starts += [
        ("gunicorn_conf", {name: value})
        for name in SERVER_VARIABLES
        for value in wrong_values(name, file)
    ]
    folder = tmp_path / "data"
    for start, (code, output) in zip(starts, start_all(folder, starts), strict=True):
        require_one_sentence(code, output, start)
        (name,) = start[1]
        assert name in output or str(file) in output, (start, output)
    show(f"{len(names)} variables, {len(starts)} starts with a wrong value")
    assert len(starts) >= 339


def test_no_sentence_repeats_a_secret(tmp_path: Path) -> None:
    starts: list[Start] = [
        ("check", {"DATABASE_URL": f"{scheme}://bank:s3cret{rest}"})
        for scheme in ("postgresql", "mysql", "sqlite")
        for rest in ("@db:abc/bank", "@db", "@[db/bank", "@db/bank?s3cret", "\x07@db/bank")
    ]
    starts += [("check", {"CACHE_URL": f"redis//:s3cret{rest}"}) for rest in ("@x", "\x07@x")]
    starts += [
        ("check", {"EMAIL_URL": f"{scheme}://bank:s3cret{rest}"})
        for scheme in ("smtp", "smtp+tls", "imap")
        for rest in ("@mail:abc", "@mail", "@[mail", "@mail/s3cret", "\x07@mail")
    ]
    starts += [("check", {"DJANGO_SECRET_KEY": "s3cret\x07"})]
    starts += [("check", {"BANK_METRICS_TOKEN": value}) for value in ("s3cret", "s3cret\x07")]
    for start, (code, output) in zip(starts, start_all(tmp_path, starts), strict=True):
        require_one_sentence(code, output, start)
        assert "s3cret" not in output


def test_a_misspelt_name_is_refused_with_the_one_that_was_likely_meant(tmp_path: Path) -> None:
    starts: list[Start] = [(program, {name: "1"}) for name in MISSPELT for program in PROGRAMS]
    for start, (code, output) in zip(starts, start_all(tmp_path, starts), strict=True):
        require_one_sentence(code, output, start)
        (name,) = start[1]
        hint = f" Is {MISSPELT[name]} meant?" if MISSPELT[name] else ""
        if hint:
            assert output == f"{name} is no setting of the bank.{hint}\n"
        else:
            assert output.startswith(f"{name} is no setting of the bank.")


def test_names_of_compose_django_and_kubernetes_are_no_mistakes(tmp_path: Path) -> None:
    others = {
        "BANK_OWNER_PASSWORD": "x",
        "DJANGO_SUPERUSER_PASSWORD": "x",
        "DJANGO_COLORS": "nocolor",
        "KUBERNETES_SERVICE_HOST": "10.0.0.1",
        "BANK_SERVICE_HOST": "10.0.0.2",
        "BANK_SERVICE_PORT_HTTP": "80",
        "BANK_PORT": "tcp://10.0.0.2:80",
        "BANK_PORT_80_TCP_ADDR": "10.0.0.2",
    }
    ((code, output),) = start_all(tmp_path, [("check", others)])
    assert (code, output) == (0, "System check identified no issues (0 silenced).\n")


def test_every_name_of_the_example_and_of_compose_may_stand_in_dotenv(tmp_path: Path) -> None:
    """Docker compose and the bank read the same `.env`, so each must let the other's names pass."""
    example = (ROOT / ".env.example").read_text("utf-8")
    compose = (ROOT / "docker-compose.yml").read_text("utf-8")
    found = {
        *re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", example, re.MULTILINE),
        *re.findall(r"\$\{(\w+)", compose),
    }
    assert found >= {"BANK_GRAFANA_PASSWORD", "BANK_METRICS_TOKEN", "POSTGRES_PASSWORD", "PORT"}
    # An empty variable counts as not set, but its name is checked.
    start = ("check", dict.fromkeys(found - {"BANK_DATA_DIR"}, ""))
    ((code, output),) = start_all(tmp_path, [start])
    assert code == 0, output


@pytest.mark.parametrize("key", ["short", "a" * 60])
def test_a_weak_key_is_a_warning_outside_production(tmp_path: Path, key: str) -> None:
    ((code, output),) = start_all(tmp_path, [("check", {"DJANGO_SECRET_KEY": key})])
    assert code == 0
    assert "(bank.W004) DJANGO_SECRET_KEY should have 50 random characters or more." in output


def test_the_key_that_make_run_made_is_found_on_postgresql_too(tmp_path: Path) -> None:
    database = {"DATABASE_URL": "postgresql://bank@192.0.2.1/bank"}
    assert start_all(tmp_path, [("check", database)] * 2)[1][0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_documents_name_the_variables_that_the_code_reads(names: list[str]) -> None:
    pattern = r"(?:BANK|DJANGO)_[A-Z_]+|[A-Z]+_URL|HOST|PORT|WEB_CONCURRENCY"
    page = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    assert sorted(re.findall(rf"^\| `({pattern})` \|", page, re.MULTILINE)) == names
    example = (ROOT / ".env.example").read_text("utf-8")
    in_example = set(re.findall(rf"^# ({pattern})=", example, re.MULTILINE))
    assert sorted(in_example - OF_COMPOSE) == names
    assert in_example >= OF_COMPOSE


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("BANK_NAME Bank", "line 2, is not NAME=value."),
        ("BANK_LOKOUT_MINUTES=5", "BANK_LOKOUT_MINUTES is no setting of the bank."),
    ],
)
def test_a_line_of_dotenv_that_assigns_nothing_is_refused(
    tmp_path: Path, line: str, fault: str
) -> None:
    program = (
        "import sys; from pathlib import Path; from bankproject import environment, variable_names;"
        "from django.core.exceptions import ImproperlyConfigured\n"
        "try:\n environment.read_dotenv(Path(sys.argv[1])); variable_names.refuse_unknown_names()\n"
        "except ImproperlyConfigured as error: print(error)"
    )
    file = tmp_path / ".env"
    file.write_text(f"# A comment\n{line}\n")
    variables = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", program, str(file)],
        cwd=ROOT, env=variables, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert fault in done.stdout


def test_a_dotenv_that_is_no_text_is_refused(tmp_path: Path) -> None:
    from django.core.exceptions import ImproperlyConfigured

    from bankproject.environment import read_dotenv

    file = tmp_path / ".env"
    file.write_bytes(b"BANK_NAME=\xff\n")
    with pytest.raises(ImproperlyConfigured, match="cannot be read: it is not UTF-8"):
        read_dotenv(file)
    file.unlink()
    file.mkdir()
    with pytest.raises(ImproperlyConfigured, match="cannot be read: Is a directory"):
        read_dotenv(file)
