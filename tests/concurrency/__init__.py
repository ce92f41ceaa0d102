"""The bank under many hands at once: real databases, real servers, threads and processes.

Interleavings that matter are made with events and second sessions, not left to luck; crowds of
threads look for the ones nobody thought of. All chance comes from one seed, printed by every run.
"""
