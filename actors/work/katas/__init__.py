"""Katas: small pieces of a product with hidden wishes, an oracle, and tests that tell them apart."""
