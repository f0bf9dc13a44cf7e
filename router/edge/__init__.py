"""The data plane: listener, clients' connections, relays, servers' connections and their pool."""

from router.edge.edge import Edge

__all__ = ["Edge"]
