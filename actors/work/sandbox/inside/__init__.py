"""What runs inside the sandbox. Standard library only, and nothing here knows what answer is expected."""
