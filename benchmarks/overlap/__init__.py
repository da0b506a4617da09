"""What virtual time makes of the latency of models: `python -m benchmarks overlap`."""
