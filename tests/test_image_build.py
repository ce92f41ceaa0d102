"""The image's RUN steps, run for real. They download every package, so only CI runs them."""

import os
import subprocess

import pytest

from tests import image
from tests.container import container
from tests.http import free_port

pytestmark = [pytest.mark.sqlite, pytest.mark.slow]


@pytest.mark.skipif(not os.environ.get("CI"), reason="fetches all packages; set CI=1 to run it")
def test_packages_of_the_first_stage_run_the_bank():
    """A user without rights installs the pins into a clean folder, and serves the bank from it."""
    with container() as bank:
        build = bank.data / "build"
        virtual_environment = str(bank.data / "venv")
        bank.run(["python", "-c", f"import os; os.mkdir({str(build)!r})"])
        for item in image.stages()[0]:
            if item.keyword != "RUN":
                continue
            step = item.rest.replace("/opt/venv", virtual_environment)
            step = step.replace("python -m venv", f"{bank.python} -m venv", 1)
            for name in ("requirements.txt", "constraints.txt"):
                step = step.replace(name, str(bank.folder / name))
            _shell(bank, step, build)
        bank.python = f"{virtual_environment}/bin/python"
        bank.run(["python", "deploy/migrate.py"])
        with bank.served(free_port()):
            installed = bank.run(["python", "-m", "pip", "list", "--format=freeze"])
    names = {line.partition("==")[0].lower() for line in installed.splitlines()}
    assert {"django", "gunicorn", "psycopg"} <= names
    assert not {"pytest", "mypy", "ruff"} & names


def _shell(bank, step, folder):
    """Runs the step as the builder does: through /bin/sh, with this machine's package index."""
    variables = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    done = subprocess.run(
        [*bank.launcher, "/bin/sh", "-c", step],
        cwd=folder,
        env=variables | {"HOME": os.environ["HOME"], "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{step}\n{done.stdout}{done.stderr}"
