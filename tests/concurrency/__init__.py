"""The bank under concurrent load: real databases, real servers, threads and processes.

Events and second sessions force the interleavings that matter. Crowds of threads search for others.
All random choices come from one seed, which every run prints.
"""
