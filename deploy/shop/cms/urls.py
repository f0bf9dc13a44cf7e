"""Wagtail's pages at the root, its admin where Wagtail puts it."""

from django.conf import settings
from django.http import JsonResponse
from django.urls import include, path
from django.views.static import serve
from wagtail import urls as wagtail_urls
from wagtail.admin import urls as wagtailadmin_urls
from wagtail.documents import urls as wagtaildocs_urls


def health(request):
    """Answer the edge's question whether this process is well."""
    return JsonResponse({"ok": True})


urlpatterns = [
    path("healthz", health),
    path("admin/", include(wagtailadmin_urls)),
    path("documents/", include(wagtaildocs_urls)),
    path("media/cms/<path:path>", serve, {"document_root": settings.MEDIA_ROOT}),
    path("", include(wagtail_urls)),
]
