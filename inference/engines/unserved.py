"""The refusals of what is not served. Apart from `refusing`, so that a pool without models needs no schemas."""

from __future__ import annotations

from inference.messages import Failed
from inference.text import GenerateText


def unknown_model(model: str) -> Failed:
    """No such model is served."""
    return Failed(reason="unknown_model", detail=f"the model {model!r} is not served")


def unknown_adapter(request: GenerateText) -> Failed:
    """No such adapter is served with this model, or not in this version."""
    wanted = f"{request.adapter!r}, version {request.adapter_version}"
    return Failed(reason="unknown_adapter", detail=f"the adapter {wanted}, is not served with {request.model!r}")
