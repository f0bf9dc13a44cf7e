"""A system behind the Inseam edge: who the visitor is, and what the edge should know. See the README beside this."""

from .keys import BadKeys, Keys, UpdateKey
from .settings import client_of
from .token import GUEST, BadToken, Basket, Client, Visitor
from .visit import SESSION, UPDATE, Visit

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
