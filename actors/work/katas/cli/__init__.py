"""Katas of the cli domain; one module for each family."""
