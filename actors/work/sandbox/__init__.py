"""Running code that is not trusted, and judging it. See `sandbox` for the one class to use."""
