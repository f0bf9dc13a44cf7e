"""What surrounds the edge: the demo shop, service files, dashboards."""
