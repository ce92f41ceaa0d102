"""Trees, compared with RFC 9162's own definition and with published vectors."""

import hashlib

import pytest

from seals import merkle
from seals.merkle import blocks_of, leaf_hash, path_in_blocks, path_of, root_of

# The vectors of certificate-transparency's own tests.
_DATA = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")
_ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
}


def plain_root(leaves: list[bytes]) -> bytes:
    """Section 2.1.1, word by word."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + plain_root(leaves[:k]) + plain_root(leaves[k:])).digest()


def plain_path(leaves: list[bytes], index: int) -> list[bytes]:
    """Section 2.1.3.1, word by word."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if index < k:
        return [*plain_path(leaves[:k], index), plain_root(leaves[k:])]
    return [*plain_path(leaves[k:], index - k), plain_root(leaves[:k])]


def leaves_of(count: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(count)]


@pytest.mark.parametrize("count", _ROOTS)
def test_published_roots(count: int) -> None:
    leaves = [leaf_hash(bytes.fromhex(text)) for text in _DATA[:count]]
    assert root_of(leaves).hex() == _ROOTS[count]


@pytest.mark.parametrize("count", [*range(1, 20), 31, 32, 33])
def test_roots_and_paths_of_small_trees(count: int) -> None:
    leaves = leaves_of(count)
    assert root_of(leaves) == plain_root(leaves)
    for index in range(count):
        assert path_of(leaves, index) == plain_path(leaves, index)


@pytest.mark.parametrize("count", [1, 3, 4, 5, 8, 11, 12, 13, 31])
def test_blocks_have_the_root_and_the_paths_of_the_whole_tree(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merkle, "BLOCK", 4)
    leaves = leaves_of(count)
    blocks = blocks_of(iter(leaves))
    assert len(blocks) == -(-count // 4)
    assert root_of(blocks) == plain_root(leaves)
    for index in range(count):
        start = index // 4 * 4
        found = path_in_blocks(blocks, leaves[start : start + 4], index)
        assert found == plain_path(leaves, index)


def test_a_node_is_no_leaf() -> None:
    left, right = leaves_of(2)
    assert root_of([left, right]) != leaf_hash(left + right)
