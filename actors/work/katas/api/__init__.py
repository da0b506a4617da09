"""Katas of the api domain; one module for each family."""
