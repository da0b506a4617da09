"""Defects: places in source where a known kind of mistake can be made, and how the code looks with it."""
