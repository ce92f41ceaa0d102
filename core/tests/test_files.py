"""A file is written as a whole or not at all, and the error says what prevented it."""

import os
import resource
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from core.files import (
    FileBusy,
    FileProblem,
    PendingFile,
    close_to_others,
    exclusive,
    open_regular,
    remove_leftovers,
    write_atomically,
)
from tests.unprivileged import private_folder, unprivileged_account

ROOT = Path(__file__).resolve().parent.parent.parent


def write(path: Path, data: bytes = b"new") -> None:
    with write_atomically(path) as file:
        file.write(data)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_it_replaces_the_whole_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"old")
    with write_atomically(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["a.csv"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match=r"^no$"):  # noqa: PT012, SIM117 - a with in a with
        with write_atomically(path) as file:
            file.write(b"ne")
            raise ValueError("no")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.csv"]


def test_a_new_file_is_its_owners_and_an_old_one_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write(path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    write(path)
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("mode", "left"), [(0o755, 0o700), (0o775, 0o700), (0o701, 0o700), (0o750, 0o750)]
)
def test_a_folder_is_closed_to_all_but_whom_its_operator_has_let_in(
    tmp_path: Path, mode: int, left: int
) -> None:
    tmp_path.chmod(mode)
    close_to_others(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == left


def test_a_folder_of_somebody_else_or_none_is_left_alone(tmp_path: Path) -> None:
    close_to_others(tmp_path / "nowhere")
    root = Path("/usr")
    if os.geteuid() == 0:
        root = tmp_path
        root.chmod(0o755)
        os.chown(root, 65534, 65534)
    close_to_others(root)
    assert root.stat().st_mode & 0o777 == 0o755


def test_links_folders_and_pipes_are_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"kept")
    (tmp_path / "link").symlink_to(target)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name, says in (
        ("link", "is a symbolic link, which is not followed."),
        ("folder", "is a folder, and is not replaced."),
        ("pipe", "is no regular file, and is not replaced."),
    ):
        with pytest.raises(FileProblem) as told:
            write(tmp_path / name)
        assert str(told.value) == f"{tmp_path / name} {says}"
    assert target.read_bytes() == b"kept"
    assert (tmp_path / "link").is_symlink()


def test_a_missing_folder_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match=r"The folder .*/none does not exist\."):
        write(tmp_path / "none" / "a.csv")
    (tmp_path / "file").touch()
    with pytest.raises(FileProblem, match=r"/file is not a folder\."):
        write(tmp_path / "file" / "a.csv")
    assert names(tmp_path) == ["file"]


def test_a_read_only_folder_is_told() -> None:
    account = unprivileged_account()
    with private_folder("bank-files-", account) as folder:
        (folder / "data").mkdir()
        (folder / "data").chmod(0o555)
        # Root has imported the code, which the other user may be unable to read.
        pid = os.fork()
        if pid == 0:
            if account:
                os.setgid(int(str(account["group"])))
                os.setuid(int(str(account["user"])))
            try:
                write(folder / "data" / "a.csv")
            except FileProblem as problem:
                told = str(problem).endswith("/a.csv cannot be written: permission denied.")
                os._exit(0 if told else 2)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert names(folder / "data") == []


def test_a_full_disk_is_told_and_the_old_file_stays(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"old")
    program = """
        import resource, sys
        from pathlib import Path
        from core.files import FileProblem, write_atomically
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            with write_atomically(Path(sys.argv[1])) as file:
                for _ in range(100):
                    file.write(b"x" * 1000)
        except FileProblem as problem:
            print(problem)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), tmp_path / "a.csv"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    reason = "the file would be larger than this process may write"
    assert done.stdout == f"{tmp_path / 'a.csv'} cannot be written: {reason}.\n"
    assert (tmp_path / "a.csv").read_bytes() == b"old"
    assert names(tmp_path) == ["a.csv"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 4096


def test_leftovers_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    PendingFile(tmp_path / "a.csv").seal()
    PendingFile(tmp_path / "b.csv").seal()
    assert len(names(tmp_path)) == 2
    remove_leftovers(tmp_path, "a.csv")
    (left,) = names(tmp_path)
    assert left.startswith(".b.csv.")


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_regular_file_is_not_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.csv"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    with pytest.raises((FileProblem, IsADirectoryError)) as caught:
        open_regular(path)
    if kind != "folder":
        assert str(caught.value) == f"{path} is no regular file, and is not read."


def test_a_link_to_a_regular_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"a")
    (tmp_path / "link.csv").symlink_to(tmp_path / "a.csv")
    with open_regular(tmp_path / "link.csv") as file:
        assert file.read() == b"a"


def test_a_lock_that_is_a_link_is_named(tmp_path: Path) -> None:
    (tmp_path / ".lock").symlink_to(tmp_path / "elsewhere")
    words = f"{tmp_path}/.lock cannot be written to: it is a symbolic link, which is not followed."
    with pytest.raises(FileProblem) as caught, exclusive(tmp_path / ".lock", "Busy."):
        pass
    assert str(caught.value) == words
    assert names(tmp_path) == [".lock"]


def test_one_holds_the_lock(tmp_path: Path) -> None:
    with (
        exclusive(tmp_path / ".lock", "Busy."),
        pytest.raises(FileBusy, match=r"^Busy\.$"),
        exclusive(tmp_path / ".lock", "Busy."),
    ):
        pass
    with exclusive(tmp_path / ".lock", "Busy."):
        pass
