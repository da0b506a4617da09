"""Small projects and cases for the tests of the sandbox."""

from __future__ import annotations

import pytest

from actors.work.sandbox.layers import probe
from actors.work.sandbox.plain import Case, Plain

MISSING = [layer.name for layer in probe() if not layer.is_present]
needs_all_layers = pytest.mark.skipif(bool(MISSING), reason=f"this host lacks {', '.join(MISSING)}")
BOTH = ["trusted", pytest.param("model", marks=needs_all_layers)]


def project(source: str, **others: str) -> dict[str, str]:
    """A project with one module, product.it."""
    return {"src/product/__init__.py": "", "src/product/it.py": source, **others}


def case(function: str, *arguments: Plain, result: Plain = None, error: str = "", case_id: str = "") -> Case:
    return Case(
        case_id=case_id or function,
        module="product.it",
        function=function,
        arguments=arguments,
        result=result,
        error=error,
    )
