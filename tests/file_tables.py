"""The tables of docs/files.md: the columns of each file, from the list in the code.

python -m tests.file_tables     writes them into docs/files.md
"""

import os
import re
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "files.md"
_TABLE = re.compile(r"(<!-- columns of ([a-z_]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def with_tables(text: str) -> str:
    """The text with each marked place regenerated. Raises KeyError for an unknown file."""
    from transactions.files.formats import FILES

    formats = {file_format.name: file_format for file_format in FILES}

    def table(match: re.Match[str]) -> str:
        rows = [
            f"| `{column.name}` | {column.kind.name} | {column.doc} |"
            for column in formats[match[2]].columns
        ]
        head = ["", "| Column | Kind | What it is |", "|---|---|---|"]
        return match[1] + "\n".join([*head, *rows, "", ""]) + match[3]

    return _TABLE.sub(table, text)


def documented_files(text: str) -> list[str]:
    return [match[2] for match in _TABLE.finditer(text)]


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bankproject.settings")
    django.setup()
    DOCUMENT.write_text(with_tables(DOCUMENT.read_text("utf-8")), "utf-8")
