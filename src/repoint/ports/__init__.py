"""What the flows need of the world, as protocols; adapters implement them."""
