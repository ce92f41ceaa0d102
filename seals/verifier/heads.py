"""T1 of the file of heads, and of the key."""

from core.files import FileBusy, FileProblem, exclusive
from core.single_run import lock_path
from seals.heads import differences, heads_path
from seals.keys import has_key
from seals.selectors import newest_seal
from seals.verifier.chain import check_own_key
from transactions.verifier.report import Collector, Place


def check_files(found: Collector) -> None:
    """Compares the key, and the file with the recorded seals.

    A head is committed before it is appended. A host without the file and without a key to seal
    with never sealed, such as one that tries a backup out: it has nothing to compare.
    """
    if (newest := newest_seal()) is not None:
        check_own_key(newest, found)
    if not (has_key() or heads_path().exists()):
        return
    for number, expected, line in differences():
        if not _is_being_appended(number):
            found.add(
                "T1.heads",
                "The file of heads has the head of each seal, a line each.",
                Place({"file": heads_path().name, "line": number}, expected, line),
            )


def _is_being_appended(number: int) -> bool:
    """Whether this is the newest head, and a run that may be about to append it goes on."""
    newest = newest_seal()
    if newest is None or number != newest.number:
        return False
    try:
        with exclusive(lock_path(heads_path()), ""):
            return False
    except FileBusy:
        return True
    except FileProblem:
        return False
