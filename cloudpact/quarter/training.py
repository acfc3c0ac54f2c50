"""train_models: delivered compute adds up until a generation is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cloudpact.model import CloudMarket


def train_models(market: CloudMarket) -> None:
    """Add the quarter's effective compute; release a generation once it has had its multiple."""
    rules = market.parameters.training
    for lab in market.labs:
        if not lab.active:
            continue
        compute = float(market.flows.effective_training[lab.index]) * market.conditions.efficiency
        if lab.generation.train(compute, rules.generation_multiple):
            lab.quality_log = market.normal("release", rules.luck, lab.key)
