"""Learning from runs: transcripts of what was decided, and models that are trained on them."""
