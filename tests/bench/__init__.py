"""What the edge costs, beside other proxies in the same run: `make bench`, or `python -m tests.bench --help`.

One core belongs to the proxy under test, the other to the load and to the systems behind, so that the processor time
that is read from /proc is the proxy's own and nobody takes it away.
"""
