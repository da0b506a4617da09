"""Decisions by a model that writes text: what it is told, the form of its answer, and what becomes of what it wrote."""
