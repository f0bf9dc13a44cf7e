"""One session and one basket for both systems. Knows nothing of the router."""
