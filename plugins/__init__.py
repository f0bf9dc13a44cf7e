"""The plugins Inseam ships with, one file a plugin, found by its name: `rate-limit` is `rate_limit.py`."""
