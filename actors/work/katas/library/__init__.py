"""Katas of the library domain; one module for each family."""
