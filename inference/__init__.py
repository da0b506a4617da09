"""Text and decisions from models: requests, the engine pool and its engines."""
