"""Versions of adapters: their files with a content hash, and the messages that load them into engines and out again."""
