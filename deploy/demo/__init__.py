"""Two small built-in systems, a magazine-like CMS and a commerce server, to click through the seam."""
