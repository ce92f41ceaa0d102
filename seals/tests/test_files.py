"""Seals move between banks by export and import, and proofs go on to hold."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from seals import keys
from seals.heads import heads_path
from seals.models import Seal, SealedRange
from seals.problems import SealProblem
from seals.sealing import seal
from seals.tests.checker import check
from seals.tests.sealing_bank import made, make_sealed_bank, require_sealed
from tests.api import API, staff
from tests.exports import contents
from tests.factories import deposit, make_account
from transactions.files.seals import SEALED_RANGES, SEALS
from transactions.tests.archiving import take

pytestmark = pytest.mark.django_db(transaction=True)


def empty_bank() -> None:
    """Empties the database of the test, and makes the roles again."""
    call_command("flush", verbosity=0, interactive=False, allow_cascade=False)


@pytest.fixture
def exported(keyed: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """An export of a bank with two seals, and a proof of a transaction that is archived."""
    bank = make_sealed_bank()
    made()
    take()
    deposit(bank.ada, 1)
    made()
    proof = staff("auditor").get(f"{API}transactions/{bank.ids['transfer']}/proof/").json()
    folder = tmp_path_factory.mktemp("exported")
    call_command("export_data", "--dir", str(folder))
    (folder / "proof.json").write_text(json.dumps(proof))
    (folder / "heads").write_bytes(heads_path().read_bytes())
    (keyed / "archived_transactions.csv").unlink()
    empty_bank()
    return folder, proof


def import_(folder: Path, *words: str) -> None:
    call_command("import_data", str(folder), *words)


def test_seals_come_out_again_as_they_went_in(
    exported: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, proof = exported
    assert len((folder / SEALS.file_name).read_bytes().splitlines()) == 3
    assert len((folder / SEALED_RANGES.file_name).read_bytes().splitlines()) == 5
    heads_path().unlink()
    import_(folder)
    assert heads_path().read_bytes() == (folder / "heads").read_bytes()
    again = tmp_path_factory.mktemp("again")
    call_command("export_data", "--dir", str(again))
    assert contents(again) == contents(folder)
    transaction_id = proof["transaction_id"]
    client = staff("supervisor")
    assert client.get(f"{API}transactions/{transaction_id}/proof/").json() == proof
    check(json.dumps(proof), heads_path().read_text())
    # The key came along, beside the export.
    make_account(balance=1)
    assert made().number == 3
    require_sealed()


def test_a_bank_with_another_key_keeps_the_proofs_and_cannot_seal_on(
    exported: tuple[Path, dict[str, Any]],
) -> None:
    folder, proof = exported
    keys.make_key(keys.key_path())
    import_(folder)
    check(json.dumps(proof), heads_path().read_text())
    make_account(balance=1)
    with pytest.raises(SealProblem, match="seal 2 promises"):
        seal()


def test_heads_of_another_bank_are_kept_aside(exported: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = exported
    heads_path().write_bytes(b"another bank's\n")
    import_(folder, "--dry-run")
    assert heads_path().read_bytes() == b"another bank's\n"
    import_(folder)
    (kept,) = heads_path().parent.glob("seals.jsonl.replaced-*")
    assert kept.read_bytes() == b"another bank's\n"
    assert heads_path().read_bytes() == (folder / "heads").read_bytes()


def test_an_export_without_seals_loads_as_before(exported: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = exported
    manifest = json.loads((folder / "manifest.json").read_text())
    names = {SEALS.file_name, SEALED_RANGES.file_name}
    manifest["files"] = [entry for entry in manifest["files"] if entry["name"] not in names]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    heads_path().unlink()
    import_(folder)
    assert not Seal.objects.exists()
    assert not SealedRange.objects.exists()
    assert not heads_path().exists()


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("sealed_ranges.csv", "secret", "0" * 64),
        ("sealed_ranges.csv", "balance", "1.00"),
        ("seals.csv", "signature", "0" * 128),
        ("seals.csv", "digest", "0" * 64),
        ("seals.csv", "number", "7"),
        ("seals.csv", "blocks", "x"),
    ],
)
def test_changed_files_are_refused(
    exported: tuple[Path, dict[str, Any]], name: str, column: str, value: str
) -> None:
    from django.core.management import CommandError

    from transactions.tests.files.test_import_export import change_row

    folder, _ = exported
    change_row(folder, name, 1, **{column: value})
    with pytest.raises(CommandError, match="Nothing was loaded"):
        import_(folder)
    assert not Seal.objects.exists()
