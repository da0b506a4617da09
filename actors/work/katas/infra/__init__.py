"""Katas of the infra domain; one module for each family."""
