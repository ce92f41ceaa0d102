"""Merkle trees as RFC 9162 (section 2.1) has them, over SHA-256.

0x00 stands before a leaf and 0x01 before two nodes, so no node can pass for a leaf. All functions
here take and give hashes of 32 bytes.
"""

import hashlib
from collections.abc import Iterable, Sequence

# Trees are kept by blocks: the path of a leaf needs the leaves of its block only.
BLOCK = 1024


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _level_above(hashes: Sequence[bytes]) -> list[bytes]:
    """The parents of a level. The last of an odd number moves up as it is."""
    paired = len(hashes) - len(hashes) % 2
    above = [node_hash(hashes[at], hashes[at + 1]) for at in range(0, paired, 2)]
    above.extend(hashes[paired:])
    return above


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root of the tree over these hashes of leaves; without any, the hash of nothing."""
    if not hashes:
        return hashlib.sha256().digest()
    while len(hashes) > 1:
        hashes = _level_above(hashes)
    return hashes[0]


def path_of(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The siblings from the leaf with this index up to the root (RFC 9162, section 2.1.3)."""
    path = []
    while len(hashes) > 1:
        if (beside := index ^ 1) < len(hashes):
            path.append(hashes[beside])
        hashes, index = _level_above(hashes), index // 2
    return path


def blocks_of(hashes: Iterable[bytes]) -> list[bytes]:
    """The roots of each BLOCK leaves. The tree over these roots has the root of the whole tree.

    Memory grows with the number of blocks only.
    """
    blocks: list[bytes] = []
    block: list[bytes] = []
    for one in hashes:
        block.append(one)
        if len(block) == BLOCK:
            blocks.append(root_of(block))
            block = []
    return [*blocks, root_of(block)] if block else blocks


def path_in_blocks(blocks: Sequence[bytes], block: Sequence[bytes], index: int) -> list[bytes]:
    """As `path_of`, for the leaf with this index in the whole tree. `block` has its block's leaves.

    Blocks are whole subtrees, so the path within the block goes on among the blocks.
    """
    return path_of(block, index % BLOCK) + path_of(blocks, index // BLOCK)
