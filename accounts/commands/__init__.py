"""The business operations on accounts, one file each."""

from accounts.commands.base import AccountCommand
from accounts.commands.change_metadata import ChangeMetadata
from accounts.commands.change_overdraft_limit import ChangeOverdraftLimit
from accounts.commands.close import CloseAccount
from accounts.commands.freeze import FreezeAccount
from accounts.commands.open import OpenAccount
from accounts.commands.rename import RenameAccount
from accounts.commands.unfreeze import UnfreezeAccount

__all__ = [
    "AccountCommand",
    "ChangeMetadata",
    "ChangeOverdraftLimit",
    "CloseAccount",
    "FreezeAccount",
    "OpenAccount",
    "RenameAccount",
    "UnfreezeAccount",
]
