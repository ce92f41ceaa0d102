"""Pages of the admin that put all parts of the bank together: Today, approvals, the audit log."""
