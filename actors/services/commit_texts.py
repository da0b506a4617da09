"""What commits of a story say: what was done, by whom with whom, in which session and by which decision."""

from __future__ import annotations

from actors.services.work_ledger import StoryWork
from actors.services.work_messages import InspectWork


def what(work: StoryWork) -> str:
    """The story's title, within a sentence."""
    return work.story.title[:1].lower() + work.story.title[1:]


def work_subject(work: StoryWork) -> str:
    """The subject of a commit with what the task under way has brought."""
    task = work.current
    verb = "Work on" if task is None or not task.repairs else "Repair"
    return f"{verb} {what(work)}"


def trailer(message: InspectWork) -> str:
    """Who else was there, and why it was written."""
    paired = f"Paired-with: {message.navigator}\n" if message.navigator else ""
    return f"{paired}Session: {message.session_id}\nDecision: {message.decision}\n"
