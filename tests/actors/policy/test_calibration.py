from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.policy.calibration import SHIPPED, CalibrationError, load_calibration, parse_calibration

SHIPPED_TEXT = SHIPPED.read_text(encoding="utf-8")
CITED = re.compile(r"\[[SK]\]|^anchors 3\.\d|^seed document")


def entries(table: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for key, value in table.items():
        if "value" in value:
            yield f"{path}{key}", value
        else:
            yield from entries(value, f"{path}{key}.")


ENTRIES = list(entries(tomllib.loads(SHIPPED_TEXT)))


def test_the_shipped_calibration_can_be_read() -> None:
    calibration = load_calibration()

    assert calibration.skill.productivity.of("junior") < calibration.skill.productivity.of("senior")
    assert calibration.interruptions.resume_minutes_low == 10
    assert calibration.disturbances.cost_minutes.flaky_test[0] == 28


@pytest.mark.parametrize(("key", "entry"), ENTRIES, ids=[key for key, _ in ENTRIES])
def test_every_number_has_a_source(key: str, entry: dict[str, Any]) -> None:
    source = entry["source"]

    explained = re.match(r"(fitted|design choice): .{10,}", source)
    assert explained or CITED.search(source), f"{key}: {source!r} neither cites nor explains"


def test_all_problems_of_a_file_are_told_at_once() -> None:
    text = SHIPPED_TEXT.replace("ceiling = { value = 970", "ceilling = { value = 970")
    text = text.replace("resume_minutes_low = { value = 10, unit", "resume_minutes_low = { value = 10, units")
    text = text.replace("severity_weights = { value = [40, 35, 18, 7]", "severity_weights = { value = [40, 35]")

    with pytest.raises(CalibrationError) as caught:
        parse_calibration(text, file="mine.toml")

    assert caught.value.problems == (
        "knowledge.ceilling: unknown key",
        "knowledge.ceiling: missing",
        "interruptions.resume_minutes_low: must be { value = ..., unit = ..., source = ... }",
        "disturbances.severity_weights: value must be a list of 4 numbers",
    )
    assert "mine.toml: knowledge.ceiling: missing" in str(caught.value)


@pytest.mark.parametrize("value", ["1.5", "true", '"10"', "-1", "99999999999"])
def test_a_value_that_is_no_moderate_whole_number_is_refused(value: str) -> None:
    text = SHIPPED_TEXT.replace("resume_minutes_low = { value = 10,", f"resume_minutes_low = {{ value = {value},")

    with pytest.raises(CalibrationError, match=r"interruptions\.resume_minutes_low: value must be a whole number"):
        parse_calibration(text)


def test_a_number_without_a_source_is_refused() -> None:
    text = re.sub(r'(resume_minutes_low = .*source = )"[^"]*"', r'\1"  "', SHIPPED_TEXT)

    with pytest.raises(CalibrationError, match="source must be text that is not empty"):
        parse_calibration(text)


def test_a_file_that_is_no_toml_is_refused_with_its_name(tmp_path: Path) -> None:
    file = tmp_path / "broken.toml"
    file.write_bytes(b"[skill\n")

    with pytest.raises(CalibrationError, match=r"broken\.toml: not valid TOML"):
        load_calibration(file)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "broken.toml"
    file.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(CalibrationError, match="not UTF-8"):
        load_calibration(file)


def test_a_table_where_a_section_belongs_is_needed() -> None:
    with pytest.raises(CalibrationError, match="calibration: lessons: must be a table"):
        parse_calibration("lessons = 3\n")


def test_an_unknown_seniority_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown seniority 'staff'"):
        load_calibration().skill.productivity.of("staff")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            ("tolerate_deviation = { value = 400", "tolerate_deviation = { value = 1001"),
            "judging.tolerate_deviation: value must be a whole number from 0 to 1000, not 1001",
        ),
        (
            ("navigator_fills = { value = 400", "navigator_fills = { value = 1001"),
            "knowledge.navigator_fills: value must be a whole number from 0 to 1000, not 1001",
        ),
        (
            ("experience_weight = { value = 4", "experience_weight = { value = 0"),
            "asking.experience_weight: value must be a whole number from 1 to 10000000, not 0",
        ),
        (
            ("pause_low_ms = { value = 2000", "pause_low_ms = { value = 9000"),
            "answering.pause_low_ms, pause_high_ms: 9000 is above 5000",
        ),
    ],
)
def test_numbers_that_make_no_sense_are_refused_before_anything_runs(wrong: tuple[str, str], told: str) -> None:
    with pytest.raises(CalibrationError) as caught:
        parse_calibration(SHIPPED_TEXT.replace(*wrong))

    assert caught.value.problems == (told,)
