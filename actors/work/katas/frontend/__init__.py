"""Katas of the frontend domain; one module for each family."""
