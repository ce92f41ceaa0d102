"""Proves the seals: T1 the chain and its ranges, T2 what has come since the last seal.

T1 recomputes every hash from the journal, so it finds each change of a sealed entry, also one that
breaks no rule of the ledger.
"""

from seals.verifier.heads import check_files
from seals.verifier.recent import verify_since_seal
from seals.verifier.whole import check_seals

__all__ = ["check_files", "check_seals", "verify_since_seal"]
