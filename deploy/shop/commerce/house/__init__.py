"""What is our own in the shop: its colours, its pictures and its seed."""
