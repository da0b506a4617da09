"""Mistakes in modules: what an engine is asked to find, and what it found as something that is wrong there."""

from __future__ import annotations

from actors.work.messages import FlawPlanted, PlantFlaw
from actors.work.product import Flaw, ModuleCode, ProductCode


def flaw_request(
    product: ProductCode, module: ModuleCode, functions: tuple[str, ...], *, escapes: bool, seed: int
) -> PlantFlaw:
    """Ask for a mistake in these functions, one more than the module has.

    `escapes`: only canaries notice it, neither visible nor acceptance tests do.
    """
    return PlantFlaw(
        team=product.team,
        family=module.family,
        number=module.number,
        choices=module.choices,
        built=module.built,
        functions=functions,
        taken=tuple(flaw.site for flaw in module.flaws),
        escapes=escapes,
        seed=seed,
    )


def flaw_made(product: ProductCode, planted: FlawPlanted) -> Flaw | None:
    """The mistake that was found, numbered; None if none was."""
    if planted.site is None:
        return None
    return Flaw(
        number=product.next_flaw(),
        site=planted.site,
        incident_class=planted.incident_class,
        severity=planted.severity,
        criteria=planted.criteria,
        noticed_by=planted.noticed_by,
        fix_lines=planted.fix_lines,
    )
