"""The business operations on accounts, one file each."""

from accounts.commands.base import AccountCommand
from accounts.commands.change_limits import ChangeLimits
from accounts.commands.change_metadata import ChangeMetadata
from accounts.commands.change_overdraft_limit import ChangeOverdraftLimit
from accounts.commands.close import CloseAccount
from accounts.commands.close_customer import CloseCustomer
from accounts.commands.damage import HoldDebits, MendDamage, ReleaseDebits
from accounts.commands.decide_limit import ApproveLimit, LimitDecision, RejectLimit
from accounts.commands.expect import ExpectAccount
from accounts.commands.freeze import FreezeAccount
from accounts.commands.give_customer import GiveCustomer
from accounts.commands.give_user import GiveUser
from accounts.commands.open import OpenAccount
from accounts.commands.rename import RenameAccount
from accounts.commands.reopen import ReopenAccount
from accounts.commands.unfreeze import UnfreezeAccount

__all__ = [
    "AccountCommand",
    "ApproveLimit",
    "ChangeLimits",
    "ChangeMetadata",
    "ChangeOverdraftLimit",
    "CloseAccount",
    "CloseCustomer",
    "ExpectAccount",
    "FreezeAccount",
    "GiveCustomer",
    "GiveUser",
    "HoldDebits",
    "LimitDecision",
    "MendDamage",
    "OpenAccount",
    "RejectLimit",
    "ReleaseDebits",
    "RenameAccount",
    "ReopenAccount",
    "UnfreezeAccount",
]
