"""The magazine: pages of the CMS."""
