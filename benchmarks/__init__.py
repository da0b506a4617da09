"""Measured comparisons: everything of one table runs interleaved on one machine, and only ratios are judged."""
