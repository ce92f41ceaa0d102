"""Admin pages across all parts of the bank: Today, approvals, the audit log."""
