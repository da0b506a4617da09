"""Artifacts, reports and metrics: projections of the event log."""
