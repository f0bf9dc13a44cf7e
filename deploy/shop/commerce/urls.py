"""Oscar at the root, as it comes."""

from django.apps import apps
from django.conf import settings
from django.http import JsonResponse
from django.urls import include, path
from django.views.static import serve


def health(request):
    """Answer the edge's question whether this process is well."""
    return JsonResponse({"ok": True})


urlpatterns = [
    path("healthz", health),
    path("i18n/", include("django.conf.urls.i18n")),
    path("media/shop/<path:path>", serve, {"document_root": settings.MEDIA_ROOT}),
    path("", include(apps.get_app_config("oscar").urls[0])),
]
