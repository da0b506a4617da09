"""Whether a model may play a role: `python -m tests.qualification.qualify --model … --role …`.

Four parts, all with tasks that a program can check: valid decisions, instructions, coding katas, latency.
"""
