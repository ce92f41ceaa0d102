"""The offline checker of docs/, as a module and as a program without the bank's packages."""

import importlib.util
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).resolve().parents[2] / "docs" / "verify_proof.py"


def _module() -> Any:
    spec = importlib.util.spec_from_file_location("verify_proof", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MODULE = _module()


def check(proof: str, heads: str, key: str | None = None) -> str:
    """The sentence about a proof that holds. Raises MODULE.Refused."""
    found: str = MODULE.check(proof, heads, key)
    return found


def bare_packages(folder: Path) -> Path:
    """A folder with the package cryptography and what it needs, and nothing else."""
    folder.mkdir()
    for name in ("cryptography", "_cffi_backend", "cffi", "pycparser"):
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            continue
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (folder / source.name).symlink_to(source)
    return folder


def run_bare(packages: Path, *words: str) -> tuple[int, str]:
    """Runs the program in a Python without site-packages, elsewhere. Its exit code and output."""
    start = (
        "import runpy, sys; sys.path.insert(0, sys.argv[1]); sys.argv = sys.argv[2:];"
        " runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", start, str(packages), str(PROGRAM), *words],
        cwd=packages, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr
