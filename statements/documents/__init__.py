"""Statements and receipts as documents. They know no model: `content` says what they show."""
