"""The admin address: health, metrics, explain, reload, for operators and their machines, never for shoppers."""

from router.admin.app import Admin

__all__ = ["Admin"]
