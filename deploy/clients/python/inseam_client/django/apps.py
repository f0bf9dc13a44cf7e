"""`INSTALLED_APPS += ["inseam_client.django"]`: the system checks."""

from django.apps import AppConfig


class InseamConfig(AppConfig):
    """Has no models: it is there for its checks."""

    name = "inseam_client.django"
    label = "inseam_client"

    def ready(self) -> None:
        from . import checks  # noqa: F401  registers them
