"""A model of an inference engine: how long it takes and what fits, for capacity planning and overlap measurements."""
