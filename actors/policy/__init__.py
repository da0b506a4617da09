"""Behavioural decisions, what they observe, and their calibration."""
