"""Batches: many movements of money in one request, or from one file."""
