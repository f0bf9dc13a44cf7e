"""A system behind the Inseam edge: who the visitor is, and what the edge should know. See the README beside this."""

from .core import GUEST, SESSION, UPDATE, BadToken, Basket, Client, Visit, Visitor
from .keys import BadKeys, Keys, UpdateKey
from .settings import client_of

__all__ = [
    "GUEST",
    "SESSION",
    "UPDATE",
    "BadKeys",
    "BadToken",
    "Basket",
    "Client",
    "Keys",
    "UpdateKey",
    "Visit",
    "Visitor",
    "client_of",
]
