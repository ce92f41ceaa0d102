"""Counts, sums and times of the journal by interval: the numbers of the API and of the console."""
