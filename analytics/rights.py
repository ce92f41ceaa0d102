"""Who may ask the named queries in the console."""

# What the answers are about. Who may see each of these one by one may ask about all of them.
ASKING_RIGHTS = (
    "transactions.view_transaction",
    "accounts.view_account",
    "customers.view_customer",
)
