"""A product backlog of any length, expanded from hand-written story families.

families.py    what a family is and what makes a book of families valid
expansion.py   families and a seed become numbered stories
document.py    stories become the bytes of a `backlog.yaml` or the stories of a run
"""

from __future__ import annotations

from config.backlog_generator.document import SHIPPED_BACKLOG, backlog_bytes, backlog_story
from config.backlog_generator.expansion import Story, expand
from config.backlog_generator.families import SHIPPED_FAMILIES, Clarification, Family, FamilyBook, load_families

__all__ = [
    "SHIPPED_BACKLOG",
    "SHIPPED_FAMILIES",
    "Clarification",
    "Family",
    "FamilyBook",
    "Story",
    "backlog_bytes",
    "backlog_story",
    "expand",
    "load_families",
]
