"""The line of progress: shown on a terminal only, and erased at the end."""

import io

from core.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_how_far_it_is(monkeypatch):
    monkeypatch.setattr("core.progress._SECONDS_BETWEEN", 0)
    stream = Terminal()
    with Progress("transactions.csv", 200, stream=stream) as progress:
        progress.advance(50)
        progress.advance(150)
        progress.advance(10)  # More than the announced total: a file that grows.
    erase = "\r\x1b[K"
    assert stream.getvalue() == (
        f"{erase}transactions.csv [                              ]   0%"
        f"{erase}transactions.csv [#######                       ]  25%"
        f"{erase}transactions.csv [##############################] 100%"
        f"{erase}transactions.csv [##############################] 100%"
        f"{erase}"
    )


def test_without_a_total_the_rows_are_counted(monkeypatch):
    monkeypatch.setattr("core.progress._SECONDS_BETWEEN", 0)
    stream = Terminal()
    with Progress("rows", stream=stream) as progress:
        progress.advance(12_345)
    assert stream.getvalue() == "\r\x1b[Krows: 0\r\x1b[Krows: 12,345\r\x1b[K"


def test_a_file_or_a_pipe_sees_nothing():
    stream = io.StringIO()
    with Progress("rows", 2, stream=stream) as progress:
        progress.advance(2)
    assert stream.getvalue() == ""
