"""For Django: `request.inseam`, the customer as `request.user` where the site wants it, and system checks.

    INSTALLED_APPS += ["inseam_client.django"]                       # the checks
    MIDDLEWARE.insert(0, "inseam_client.django.InseamMiddleware")    # request.inseam
    # behind AuthenticationMiddleware, where customers are users of this site:
    "inseam_client.django.CustomerMiddleware"

    INSEAM = {"system": "cms", "jwks": "https://shop.example/.inseam/jwks.json", "update_key": {...}}

Without INSEAM the environment is read, as `inseam keys export SYSTEM` writes it.
"""

from .customer import CustomerMiddleware
from .middleware import InseamMiddleware

__all__ = ["CustomerMiddleware", "InseamMiddleware"]
