"""Katas of the pipeline domain; one module for each family."""
