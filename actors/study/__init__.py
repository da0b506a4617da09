"""Many seeds of one experiment, and what holds over all of them."""
