"""All families of katas, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from actors.work.katas.api import access_rules, call_planner, conditional, content_choice, rate_limit, route_match
from actors.work.katas.cli import aliases, arguments, durations, shell_words, text_table, time_report
from actors.work.katas.frontend import (
    comment_markup,
    page_links,
    row_selection,
    search_highlight,
    table_sort,
    undo_history,
)
from actors.work.katas.infra import (
    address_pool,
    backup_retention,
    firewall_rules,
    replica_count,
    rollout_plan,
    start_order,
)
from actors.work.katas.kata import Family
from actors.work.katas.library import edit_distance, formula, free_gaps, money_split, name_search, range_set
from actors.work.katas.pipeline import enrich, fill_gaps, funnel, history, sessions, type_columns

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "access_rules": access_rules.make,
        "call_planner": call_planner.make,
        "conditional": conditional.make,
        "content_choice": content_choice.make,
        "rate_limit": rate_limit.make,
        "route_match": route_match.make,
        "aliases": aliases.make,
        "arguments": arguments.make,
        "durations": durations.make,
        "shell_words": shell_words.make,
        "text_table": text_table.make,
        "time_report": time_report.make,
        "comment_markup": comment_markup.make,
        "page_links": page_links.make,
        "row_selection": row_selection.make,
        "search_highlight": search_highlight.make,
        "table_sort": table_sort.make,
        "undo_history": undo_history.make,
        "address_pool": address_pool.make,
        "backup_retention": backup_retention.make,
        "firewall_rules": firewall_rules.make,
        "replica_count": replica_count.make,
        "rollout_plan": rollout_plan.make,
        "start_order": start_order.make,
        "edit_distance": edit_distance.make,
        "formula": formula.make,
        "free_gaps": free_gaps.make,
        "money_split": money_split.make,
        "name_search": name_search.make,
        "range_set": range_set.make,
        "enrich": enrich.make,
        "fill_gaps": fill_gaps.make,
        "funnel": funnel.make,
        "history": history.make,
        "sessions": sessions.make,
        "type_columns": type_columns.make,
    }
)
