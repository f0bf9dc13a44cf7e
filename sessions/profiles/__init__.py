"""What login, logout, basket and order look like on each product, as data."""
