"""Inseam's router: rules decide which system owns a URL, the edge carries the request there and back."""

__version__ = "0.1.0"
