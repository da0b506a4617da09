"""Composition root and command line of a run."""
