"""Models that vLLM runs inside an engine process: on GPUs, and by its build for processors on laptops and in tests.

Nothing in here imports torch or vllm at the top of a module: they load when an engine starts and its devices are set.
"""
