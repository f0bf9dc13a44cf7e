"""The plugins Inseam ships with, one file a plugin; found by file name (`security_headers.py` is `security-headers`)."""
