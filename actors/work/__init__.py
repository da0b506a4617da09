"""What it takes to build a story."""
