"""Attempts to escape from the sandbox or to cheat its judge, as sources that run inside it."""
