"""Metrics for Prometheus: the page, and what it reads from the database."""
