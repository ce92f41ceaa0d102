"""docs/files.md and data/samples/ match the output of the code."""

import csv
import hashlib
import re
from pathlib import Path

from tests.file_tables import DOCUMENT, documented_files, with_tables
from transactions.files.formats import FILES
from transactions.files.manifest import Manifest

SAMPLES = Path(__file__).resolve().parents[3] / "data" / "samples"


def test_every_column_is_documented_as_the_code_has_it() -> None:
    text = DOCUMENT.read_text("utf-8")
    assert with_tables(text) == text, "Run python -m tests.file_tables."
    # The archived ones have the columns of the others.
    assert documented_files(text) == [
        each.name for each in FILES if each.name != "archived_transactions"
    ]
    assert all(f"`{each.file_name}`" in text for each in FILES)


def test_the_samples_are_whole_and_read_by_the_formats() -> None:
    manifest = Manifest.decode((SAMPLES / "manifest.json").read_bytes())
    assert [entry.name for entry in manifest.files] == [each.file_name for each in FILES]
    for entry, file_format in zip(manifest.files, FILES, strict=True):
        data = (SAMPLES / entry.name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry.sha256
        assert data.startswith(file_format.header)
        assert data.endswith(b"\r\n")
        lines = list(csv.reader(data.decode().split("\r\n")[1:-1], strict=True))
        assert [len(file_format.parse(line)) for line in lines] == [
            len(file_format.columns)
        ] * entry.rows


def test_the_samples_shown_are_of_the_samples() -> None:
    lines = {
        line for path in SAMPLES.glob("*.csv") for line in path.read_bytes().decode().split("\r\n")
    }
    shown = re.findall(r"^```csv\n(.*?)^```", DOCUMENT.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert len(shown) == 2
    for block in shown:
        assert all(line in lines for line in block.splitlines())
