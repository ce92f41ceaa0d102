"""Guards and views change in such a way that the previous release keeps serving: docs/adr/0017."""

import pytest

from tests.upgrade.releases import (
    RELEASE_BEFORE,
    ROOT,
    Release,
    code_of_the_release_before,
    environment_of,
    objects_of,
)

# The only release that compares texts even on a newer database.
COMPARES_TEXTS = "1.0.0"


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    folder = tmp_path_factory.mktemp("before")
    code = code_of_the_release_before(folder / "code")
    return objects_of(Release(code, environment_of(folder)))


@pytest.fixture(scope="module")
def now(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    return objects_of(Release(ROOT, environment_of(tmp_path_factory.mktemp("now"))))


def test_no_name_goes_that_the_release_before_asks_for(before, now) -> None:
    assert len(before) > 20
    assert before.keys() - now.keys() == set()


def test_a_changed_text_says_so(before, now) -> None:
    """Lists for each name what its definition must have; empty if all is well."""
    latest = max(item["since"] for item in before.values())
    version = RELEASE_BEFORE.read_text("ascii").split()[1]
    faults = []
    for name, item in before.items():
        if all(item[kind] == now[name][kind] for kind in ("sqlite", "postgresql")):
            continue
        if now[name]["since"] <= latest:
            faults.append(f"{name}: since={latest + 1}")
        if item["definition"] != now[name]["definition"] and (
            item["kind"] == "trigger" or version == COMPARES_TEXTS
        ):
            faults.append(f"{name}: another {item['kind']}, which wants another name")
        if version == COMPARES_TEXTS and now[name]["replaces"] != item["postgresql"]:
            faults.append(f"{name}: replaces={item['postgresql']!r}")
    assert faults == []
