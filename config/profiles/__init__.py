"""Shipped profiles: the default configuration, the calibration, the product backlog."""

from pathlib import Path

_FOLDER = Path(__file__).resolve().parent

DEFAULT = _FOLDER / "default.yaml"
CALIBRATION = _FOLDER / "calibration.toml"
KATAS = _FOLDER / "backlog" / "katas.yaml"
TASKFLOW = _FOLDER / "backlog" / "taskflow.yaml"
