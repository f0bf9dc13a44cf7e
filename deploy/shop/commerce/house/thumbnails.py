"""Pictures are drawings (SVG), so a thumbnail is the picture itself."""

from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True)
class Thumbnail:
    """What Oscar's templates ask of a thumbnail."""

    url: str


class Drawings:
    """Oscar's thumbnailer (OSCAR_THUMBNAILER)."""

    def generate_thumbnail(self, source, **options):
        """Return the picture as it is."""
        return Thumbnail(settings.MEDIA_URL + str(getattr(source, "name", source)))

    def delete_thumbnails(self, source):
        """There are none."""
