"""Tests of the inference pool."""
