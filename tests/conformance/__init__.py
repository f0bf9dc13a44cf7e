"""This edge beside nginx, HAProxy and Envoy where it matters: hostile messages, spellings of payment pages, floods of
clients, and changes under load. `make conformance` runs all four in one go and writes tests/bench/RELIABILITY.md.
"""
