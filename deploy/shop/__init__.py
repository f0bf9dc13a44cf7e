"""The real shop: Wagtail and django-oscar as they come, with the edge in front (`make shop`)."""
