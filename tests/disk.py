"""What this process asks of the disk, in order: kill -9 cannot test it, as the system goes on."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def recorded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each fsync, cut, rename, replacement and link from now on, such as "fsync secret_key".

    A file under a temporary name is "temporary", and a folder is "folder".
    """
    calls: list[str] = []

    def of_descriptor(verb: str, call: Callable[..., None]) -> Callable[..., None]:
        def run(descriptor: int, *rest: Any) -> None:
            calls.append(f"{verb} {_named(Path(f'/proc/self/fd/{descriptor}').readlink())}")
            call(descriptor, *rest)

        return run

    def of_target(verb: str, call: Callable[..., None]) -> Callable[..., None]:
        def run(source: Any, target: Any, **options: Any) -> None:
            calls.append(f"{verb} {_named(Path(target))}")
            call(source, target, **options)

        return run

    for name, verb in (("fsync", "fsync"), ("ftruncate", "cut")):
        monkeypatch.setattr(os, name, of_descriptor(verb, getattr(os, name)))
    for name in ("rename", "replace", "link"):
        monkeypatch.setattr(os, name, of_target(name, getattr(os, name)))
    return calls


def _named(path: Path) -> str:
    if path.is_dir():
        return "folder"
    return "temporary" if path.name.startswith(".") else path.name
