"""The house model: a million parameters, trained from scratch in minutes on transcripts of the behavioural policy.

It exists so that whole sprints can be judged by a real engine on a laptop, without a download.
"""
