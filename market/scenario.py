"""Every parameter of the model, once: type, unit, range, default, meaning and source.

Docs, page inputs and calibration priors are generated from this module. `OURS` marks an assumption
of this model; `FITTED` one that was set by hand so that the baseline passes near the disclosed
facts (docs/validation.md shows how near); everything else names its source.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from market import scenario_checks, scenario_files
from market.demand import DemandForm
from market.parameters import Group, Prior, param

OURS = "assumption of this model"
FITTED = "set by hand against the disclosed facts, see docs/validation.md"
EPOCH = "Epoch AI, shipped in market/data/supply.csv"
SHIPPED_SCENARIOS = Path(__file__).resolve().parent.parent / "experiments" / "scenarios"


class Time(Group):
    """Calendar of a scenario: where history ends and the market is on its own."""

    start: str = param("2019Q1", unit="name", meaning="First quarter simulated", source=OURS)
    end: str = param("2030Q4", unit="name", meaning="Last quarter simulated", source=OURS)
    deals_until: str = param("none", unit="name", meaning="Disclosed deals are signed as dated up to this quarter, or none", source=OURS)
    capex_until: str = param("none", unit="name", meaning="Observed capex is imposed up to this quarter, or none", source=OURS)
    states_until: str = param("none", unit="name", meaning="Observed lab run-rates and valuations re-initialise the labs up to this quarter, or none", source=OURS)


class Ledger(Group):
    """Bookkeeping."""

    unit_usd: float = param(1.0, unit="USD", low=1e-12, high=1e12, meaning="Smallest unit of money in the ledger", source=OURS)


class Enterprises(Group):
    """Resolution and behaviour of the enterprise population."""

    count: int = param(1000, unit="count", low=1, high=10_000_000, meaning="Enterprises simulated: a resolution, total demand does not depend on it", source=OURS)
    segments: int = param(3, unit="count", low=1, high=8, meaning="Segments that differ in price sensitivity", source=OURS)
    size_sigma: float = param(1.6, unit="log", low=0.0, high=3.0, meaning="Standard deviation of log size (heavy tail)", source="Axtell (2001): firm sizes are heavy-tailed; value is ours")
    innovation: float = param(0.0012, unit="1/quarter", low=1e-9, high=1.0, meaning="Bass coefficient of innovation p", source=FITTED)
    imitation: float = param(0.21, unit="1/quarter", low=0.0, high=2.0, meaning="Bass coefficient of imitation q", source="Bass (1969) form; fitted to Ramp business adoption, market/data/adoption.csv")
    renewal_quarters: int = param(8, unit="quarter", low=1, high=40, meaning="Length of a model contract; renewals are staggered", source=OURS)
    capability_weight: float = param(0.35, unit="1/log", low=0.0, high=10.0, meaning="Utility of one log unit of effective training compute", source=FITTED)
    price_weight: float = param(0.5, unit="1/log", low=0.0, high=10.0, meaning="Disutility of one log unit of the lab's price, middle segment", source=OURS)
    cloud_friction: float = param(1.2, unit="utility", low=0.0, high=20.0, meaning="Disutility of a model off the incumbent cloud (egress, procurement, security review)", source=OURS)
    model_switching_cost: float = param(2.1, unit="utility", low=0.0, high=20.0, meaning="Disutility of leaving the incumbent model vendor at renewal", source="about 11 % of enterprises change primary vendor in a year (field notes quoting Menlo); the value was set by hand against the disclosed facts")
    nest: float = param(0.6, unit="frac", low=0.05, high=1.0, meaning="Nested-logit dissimilarity of the clouds within one lab", source="McFadden (1978) form; value is ours")
    no_purchase_utility: float = param(-1.0, unit="utility", low=-50.0, high=50.0, meaning="Utility of buying no model at renewal", source=OURS)
    open_models_utility: float = param(0.2, unit="utility", low=-50.0, high=50.0, meaning="Intercept of open models, reachable on every cloud", source=OURS)
    second_model_prob: float = param(0.8, unit="frac", low=0.0, high=1.0, meaning="Probability that an adopter uses a second model family, given one; the same for a third, given two", source="a16z CIO survey 2026: 81 % use three or more families (large firms)")
    cloud_switching_per_year: float = param(0.006, unit="1/year", low=0.0, high=1.0, meaning="Share of enterprises whose incumbent cloud changes in a year", source="CMA cloud decision (2025): below 1 %; the value was set by hand against the disclosed facts")


class Demand(Group):
    """Latent demand for AI services: consumers and, once adopted, enterprises."""

    form: DemandForm = param("hill", unit="name", meaning="How latent demand grows with frontier compute: it saturates as Z / (1 + Z), sooner (exponential), or never (logarithmic)", source="one history cannot tell them apart; alternatives are mixed in forecasts")
    saturation_usd_bn_per_year: float = param(800.0, unit="USD bn/year", low=1.0, high=1e6, meaning="Saturation A of yearly spending if everybody had adopted", source="barely identified by the facts; a scenario axis")
    half_compute: float = param(88.0, unit="GW*quarter", low=1e-9, high=1e12, meaning="Effective training compute at which demand is half of saturation", source=FITTED, prior=Prior(10.0, 250.0, "from a third of the 30 to 90 that give the run-rates of 2023 by themselves to three times as much; ours", "log"))
    elasticity: float = param(0.9, unit="1", low=0.01, high=2.0, meaning="Elasticity gamma of latent demand to frontier training compute; growth is nearly knife-edge in gamma/(1-gamma)", source=FITTED, prior=Prior(0.6, 1.2, "below about .5 revenue cannot grow threefold a year on compute that does, above 1.2 it explodes (model brief); ours"))
    adjustment_per_quarter: float = param(0.35, unit="1/quarter", low=0.0, high=1.0, meaning="Speed kappa at which spending approaches latent demand", source=FITTED, prior=Prior(0.15, 0.6, "half of a gap in one to five quarters; ours"))
    consumer_share: float = param(0.35, unit="frac", low=0.0, high=1.0, meaning="Share of latent demand that is consumers'", source=FITTED)
    consumer_churn_per_quarter: float = param(0.04, unit="1/quarter", low=0.0, high=1.0, meaning="Share of consumer spending that is chosen anew each quarter, growth apart", source=OURS)
    consumer_capability_weight: float = param(0.25, unit="1/log", low=0.0, high=10.0, meaning="Consumers' utility of one log unit of effective training compute", source=OURS)
    volatility_per_quarter: float = param(0.03, unit="log", low=0.0, high=1.0, meaning="Standard deviation of the quarterly shock to spending", source=OURS)
    appeal_volatility_per_quarter: float = param(0.06, unit="log", low=0.0, high=1.0, meaning="Standard deviation of the quarterly random walk of a lab's appeal", source=OURS, prior=Prior(0.08, 0.25, "shares of labs in enterprise spending moved by .3 in half a year (Menlo, adoption.csv: unverified); ours", "log"))
    cloud_growth_late_per_quarter: float = param(0.015, unit="1/quarter", low=-0.5, high=0.5, meaning="Log growth of the cloud business outside AI that companies tend to after the facts", source=OURS, prior=Prior(0.01, 0.05, "4 to 20 % a year: the slowest and the ordinary years of AWS since 2019 (cloud_revenue.csv)"))
    cloud_cycle_per_quarter: float = param(0.0, unit="log", low=0.0, high=0.5, meaning="Standard deviation of the quarterly shock to the growth of all companies' cloud business outside AI", source="baseline 0.006: a year moves the growth of AWS, Azure and Google Cloud by .011 to .016 a quarter (2015-2021), half of it taken as common", prior=Prior(0.004, 0.016, "a factor of two around .008 of 2015-2021 (cloud_revenue.csv)", "log"))
    cloud_volatility_per_quarter: float = param(0.0, unit="log", low=0.0, high=0.5, meaning="The same for one company", source="baseline 0.006: the other half", prior=Prior(0.003, 0.012, "changes of smoothed growth of three clouds, 2019-2021, are .004 to .006 (cloud_revenue.csv), a factor of two either way", "log"))
    cloud_noise_per_quarter: float = param(0.0, unit="log", low=0.0, high=0.5, meaning="Standard deviation of what a company's cloud revenue of a quarter departs from its course after the facts: seasons, exchange rates, single contracts", source="departures from a centred yearly mean, 2019-2021: AWS .015, Google Cloud .021, Microsoft .035 (cloud_revenue.csv)", prior=Prior(0.01, 0.035, "departures of the three clouds from a centred yearly mean, 2019-2021 (cloud_revenue.csv)", "log"))
    long_tail_gw_per_gw: float = param(0.6, unit="1", low=0.0, high=100.0, meaning="Compute rented by other AI customers than the labs, per GW of inference demand for the labs", source="about half of 2025 capacity is own use, a quarter the labs (design brief); the rest is ours; the value was set by hand against the disclosed facts")
    long_tail_elasticity: float = param(1.0, unit="1", low=0.0, high=10.0, meaning="Price elasticity of that demand around the starting price", source=OURS)
    revenue_per_gw_year: float = param(20.0, unit="USD bn/(GW*year)", low=0.1, high=1000.0, meaning="Revenue rho served by one GW of inference in a year", source="run-rate is about 10 per GW of all compute (OpenAI 2023-25) at about half inference")


class Training(Group):
    """Generations of models and the compute they take."""

    budget_per_year: float = param(0.025, unit="1/year", low=0.0, high=1.0, meaning="Training spend as a share iota of the lab's value", source="OpenAI 2023-25: 0.1-0.9 GW of training at 12 USD bn per GW-year against 80-500 of value", prior=Prior(0.012, 0.12, "OpenAI 2023-25: 1 to 11 USD bn of training a year against 80 to 500 of value (labs.csv): .012 to .022; up to five times that, since other labs train on less value; ours", "log"))
    growth_max_per_quarter: float = param(0.26, unit="log", low=0.0, high=2.0, meaning="Largest growth of a lab's training need in a quarter", source="Epoch AI: power of the largest runs doubles in a year, compute stock 3.3x", prior=Prior(0.15, 0.4, "Epoch AI: power of the largest runs doubles in a year (.17), compute stock 3.3x (.30)"))
    catch_up_per_quarter: float = param(0.08, unit="log", low=0.0, high=2.0, meaning="Extra growth for a lab far behind the frontier, times one less its relative capability", source=OURS)
    integrated_share: float = param(0.3, unit="frac", low=0.0, high=1.0, meaning="Share of its owner's own use that trains an integrated lab's models", source=OURS)
    generation_multiple: float = param(3.0, unit="1", low=1.01, high=100.0, meaning="Effective compute m of a generation relative to the last one", source=OURS)
    efficiency_per_year: float = param(0.37, unit="1/year", low=0.0, high=5.0, meaning="Growth of effective compute per GW by vintage", source=EPOCH)
    luck: float = param(0.15, unit="log", low=0.0, high=2.0, meaning="Standard deviation of the log quality drawn at a release", source=OURS)
    runway_full_quarters: float = param(4.0, unit="quarter", low=0.1, high=40.0, meaning="Runway below which training is scaled down in proportion", source=OURS)


class Labs(Group):
    """What all labs share: value, costs, cash rules."""

    value_multiple: float = param(8.0, unit="year", low=0.1, high=200.0, meaning="Value m0 per yearly revenue without growth", source="Schwartz and Moon (2000) form; fitted to rounds in market/data/labs.csv")
    value_growth_weight: float = param(0.8, unit="year", low=0.0, high=10.0, meaning="Weight b of yearly log growth in the log multiple", source=FITTED)
    value_growth_cap: float = param(1.2, unit="1/year", low=0.0, high=10.0, meaning="Largest yearly log growth that investors pay for", source=FITTED)
    young_share: float = param(0.006, unit="frac", low=0.0, high=1.0, meaning="Share of latent demand that floors a lab's revenue in its valuation", source=FITTED)
    operating_share: float = param(0.35, unit="frac", low=0.0, high=2.0, meaning="Operating cost other than compute, as a share of revenue", source="OpenAI 2025: revenue 13.1, burn about 9, gross margin 33 % (labs.csv)")
    operating_per_training_gw_quarter: float = param(0.9, unit="USD bn/(GW*quarter)", low=0.0, high=100.0, meaning="Research staff and data per GW of training", source=OURS)
    runway_target_quarters: float = param(6.0, unit="quarter", low=0.0, high=40.0, meaning="Quarters of burn that a lab wants in cash", source=OURS)
    commitment_cover: float = param(0.5, unit="frac", low=0.0, high=2.0, meaning="Share of the largest year's commitments of running contracts, less margin, that creditors want in cash", source=FITTED, prior=Prior(0.25, 1.5, "from a reserve of three months of debt service, usual in project finance, to a year and a half; ours", "log"))
    value_persistence: float = param(0.9, unit="frac", low=0.0, high=1.0, meaning="Share of a disclosed value's distance from the formula that is left a quarter later", source=OURS)
    default_after_quarters: int = param(2, unit="quarter", low=1, high=20, meaning="Quarters in arrears after which a lab defaults", source=OURS)
    recovery_frac: float = param(0.4, unit="frac", low=0.0, high=1.0, meaning="Recovery on arrears at default", source="Moody's long-run average for senior unsecured debt is about 40 %")


class Funding(Group):
    """Marginal cost of a lab's money and who supplies it."""

    marginal_value: float = param(1.2, unit="1", low=0.0, high=100.0, meaning="Value lambda-bar of the first dollar in excess of a dollar when cash is nil", source="sets the level of equity: fitted, not predicted", prior=Prior(0.6, 2.4, "a factor of two either way; ours", "log"))
    owner_cost: float = param(0.05, unit="1", low=0.0, high=10.0, meaning="Owners' cost o of any outside dollar", source=OURS)
    investor_depth: float = param(0.1, unit="1", low=0.0, high=100.0, meaning="Outside money per quarter and unit of excess return, as a share of the lab's value", source=FITTED)
    investor_cost: float = param(0.04, unit="1", low=0.0, high=10.0, meaning="Excess return below which outside investors stay away", source=OURS)
    appetite_adjustment: float = param(0.12, unit="1/quarter", low=0.0, high=1.0, meaning="Speed at which investors' appetite follows the labs' total value", source=OURS)
    appetite_volatility: float = param(0.08, unit="log", low=0.0, high=2.0, meaning="Standard deviation of the quarterly shock to appetite", source=OURS)
    supplier_depth: float = param(0.08, unit="1", low=0.0, high=100.0, meaning="Suppliers' money per quarter and unit of excess return, as a share of their chip cash flow, all labs together", source=FITTED)
    supplier_cost: float = param(0.10, unit="1", low=0.0, high=10.0, meaning="Excess return below which suppliers stay away", source=OURS)
    provider_cost: float = param(0.06, unit="1", low=0.0, high=10.0, meaning="Cost k to a provider of a dollar of equity, in excess of the dollar", source="sets the level of provider equity: fitted, not predicted")
    provider_depth: float = param(2.0, unit="1", low=0.001, high=100.0, meaning="Provider's equity at which the marginal cost has risen by one, in quarters of free cash flow", source=FITTED, prior=Prior(1.0, 8.0, "from one quarter to two years of free cash flow; ours", "log"))


class Capacity(Group):
    """Cost, life and delay of AI capacity."""

    build_cost_usd_bn_per_gw: float = param(27.0, unit="USD bn/GW", low=0.1, high=1000.0, meaning="Cost of one GW of AI-ready capacity at the start, chips included", source="Epoch AI: about 29 in 2025; rule of thumb 50 all-in")
    build_cost_growth_per_year: float = param(0.012, unit="1/year", low=-0.5, high=0.5, meaning="Growth of the cost of one GW", source=OURS)
    chip_share: float = param(0.65, unit="frac", low=0.0, high=1.0, meaning="Share of the cost that is chips", source="60-70 % in industry break-downs (design brief)")
    chip_life_quarters: int = param(20, unit="quarter", low=1, high=80, meaning="Life of chips, after which the capacity retires and its shell is free", source="depreciation of 4-6 years in company accounts")
    shell_life_quarters: int = param(68, unit="quarter", low=1, high=200, meaning="Life of shell and power, for cost only", source="15-20 years (design brief)")
    lead_quarters: int = param(3, unit="quarter", low=1, high=40, meaning="Quarters from outlay to commissioning, new shell", source="1-2 years from ground to service, spend-weighted")
    chip_lead_quarters: int = param(2, unit="quarter", low=1, high=40, meaning="Quarters from outlay to commissioning in a shell that exists", source=OURS)
    delay_probability: float = param(0.25, unit="frac", low=0.0, high=1.0, meaning="Probability that an order is told one quarter more", source=OURS)
    availability: float = param(0.95, unit="frac", low=0.01, high=1.0, meaning="Share of installed capacity that can be used", source=OURS)
    operating_usd_bn_per_gw_quarter: float = param(0.30, unit="USD bn/(GW*quarter)", low=0.0, high=100.0, meaning="Power and operation of one GW for a quarter", source="8.76 TWh at 0.07 USD/kWh and PUE 1.2, plus staff")
    cost_of_capital_per_quarter: float = param(0.025, unit="1/quarter", low=0.0, high=1.0, meaning="Provider's cost of capital", source="10 % a year, design brief")


class Supply(Group):
    """World supply of accelerators and of powered sites."""

    accelerators_gw_per_quarter: float = param(0.25, unit="GW/quarter", low=0.0, high=1e6, meaning="Accelerators that can be made at the start", source=FITTED)
    power_gw_per_quarter: float = param(0.6, unit="GW/quarter", low=0.0, high=1e6, meaning="Powered sites that can be connected at the start", source=OURS, prior=Prior(0.8, 3.2, "AI took up no more than a part of what is connected before 2023; ours", "log"))
    accelerators_growth_max: float = param(0.16, unit="log", low=0.0, high=2.0, meaning="Largest growth of accelerator supply in a quarter, under full order pressure", source="NVIDIA data-centre revenue 4.3 (2023Q1) to 39.1 (2025Q1) and 75.2 (2026Q1)", prior=Prior(0.12, 0.45, "NVIDIA data-centre revenue: .16 a quarter from 2025Q1 to 2026Q1, .28 from 2023Q1 to 2025Q1, more in single quarters of it (supply.csv); what can be made grows at most as fast as that when all press"))
    power_growth_max: float = param(0.06, unit="log", low=0.0, high=2.0, meaning="Largest growth of connected power in a quarter, under full order pressure", source="grid connection takes about four years in the US", prior=Prior(0.03, 0.12, "a grid connection takes about four years in the US, less elsewhere; ours"))
    history_headroom: float = param(1.15, unit="1", low=1.0, high=10.0, meaning="While capex is imposed, supply is at least the imposed orders times this", source=OURS, prior=Prior(1.1, 1.8, "what suppliers could have delivered beyond what was ordered is not seen: from next to nothing to most of a doubling; ours", "log"))
    chip_margin: float = param(0.6, unit="frac", low=0.0, high=1.0, meaning="Suppliers' cash margin on chips", source="NVIDIA's operating margin is about 60 %")


class Capex(Group):
    """How a hyperscaler plans capacity."""

    utilisation_target: float = param(0.86, unit="frac", low=0.1, high=1.0, meaning="Utilisation that planning aims at", source=OURS)
    adjustment: float = param(0.6, unit="1/quarter", low=0.0, high=1.0, meaning="Share kappa of the capacity gap ordered in a quarter", source=FITTED, prior=Prior(0.3, 0.9, "ours"))
    spot_demand_sd: float = param(0.5, unit="frac", low=0.0, high=5.0, meaning="Relative standard deviation of demand that is not committed, for the newsvendor haircut", source="Arrow, Harris and Marschak (1951) form; value is ours")
    rule: Literal["newsvendor", "real_option"] = param("newsvendor", unit="name", meaning="What of demand without a contract is built for: a share that rises with the margin, or all of it once the price pays for giving up the option to wait", source="Arrow, Harris and Marschak (1951); Dixit and Pindyck (1994)")
    option_payout_per_year: float = param(0.25, unit="1/year", low=0.0, high=10.0, meaning="Rent net of operation that waiting forgoes, over the value of a GW (rule real_option)", source="about the capital charge of chips with five years of life and shells with 17; ours")
    option_volatility_per_year: float = param(0.3, unit="frac", low=0.0, high=10.0, meaning="Volatility of the value of a GW over a year (rule real_option)", source="Dixit and Pindyck (1994) look at .1 to .4; ours")
    cash_flow_share: float = param(0.9, unit="frac", low=0.0, high=10.0, meaning="Share phi of operating cash flow that capex may take", source="2025: capex of the four is about 60-70 % of operating cash flow, Oracle above 100 %", prior=Prior(0.8, 1.5, "capex from four fifths of operating cash flow to well above it (Amazon 2021-22: 1.3 to 1.4; Oracle from 2024 on); ours"))
    trend_damping: float = param(0.92, unit="frac", low=0.0, high=1.0, meaning="Damping of a forecast trend, a quarter", source="Gardner and McKenzie (1985)")
    growth_persistence: float = param(0.92, unit="frac", low=0.0, high=1.0, meaning="What is left a quarter later of a departure of growth from its late rate, for business outside AI (capex, cash flow, cloud revenue) after the facts", source="as trend_damping; ours")
    expectation_weight: float = param(0.3, unit="frac", low=0.0, high=1.0, meaning="Weight of the last quarter in adaptive growth", source="Nerlove (1958) form")
    inertia: float = param(0.8, unit="frac", low=0.0, high=1.0, meaning="Weight of the last order in this one: convex cost of changing investment", source="Christiano, Eichenbaum and Evans (2005) form; value is ours; the value was set by hand against the disclosed facts", prior=Prior(0.5, 0.9, "ours"))
    cash_flow_growth_late_per_year: float = param(0.09, unit="1/year", low=-0.5, high=1.0, meaning="Growth of cash flow outside AI that companies tend to after the facts", source=OURS)
    ai_share_start: float = param(0.10, unit="frac", low=0.0, high=1.0, meaning="Share of companies' capex that is AI, early", source="design brief: AI is about 50/128/243 of 147/228/376 in 2023-25")
    ai_share_end: float = param(0.72, unit="frac", low=0.0, high=1.0, meaning="Share of companies' capex that is AI, late", source="design brief: AI is about 50/128/243 of 147/228/376 in 2023-25")
    ai_share_middle: str = param("2023Q4", unit="name", meaning="Quarter half-way between the two", source="design brief: AI is about 50/128/243 of 147/228/376 in 2023-25")
    ai_share_width_quarters: float = param(2.6, unit="quarter", low=0.1, high=40.0, meaning="Width of the logistic between the two", source="design brief: AI is about 50/128/243 of 147/228/376 in 2023-25")
    debt_rate_per_quarter: float = param(0.012, unit="1/quarter", low=0.0, high=1.0, meaning="Interest on debt", source="investment-grade yields near 5 % a year")
    cash_floor_quarters: float = param(1.0, unit="quarter", low=0.0, high=40.0, meaning="Cash kept, in quarters of operating cash flow; below it a hyperscaler borrows", source=OURS)
    cash_ceiling_quarters: float = param(5.0, unit="quarter", low=0.0, high=100.0, meaning="Cash above which it repays debt, then pays out", source=OURS)
    depreciation_per_quarter: float = param(0.04, unit="1/quarter", low=0.0, high=1.0, meaning="Declining-balance depreciation of property", source="blend of chip and shell lives")
    own_use_damping: float = param(0.95, unit="frac", low=0.0, high=1.0, meaning="Damping of the growth of own use, a quarter", source="nearly knife-edge (design brief): show the range", prior=Prior(0.9, 0.99, "Gardner and McKenzie (1985) find .9 and above for trends; ours"))
    own_use_weight: float = param(0.1, unit="frac", low=0.0, high=1.0, meaning="Weight of the last quarter in the growth of own use that a company expects while facts are imposed", source="Nerlove (1958) form; value is ours", prior=Prior(0.03, 0.3, "adaptive expectations; ours"))
    own_use_cycle_per_quarter: float = param(0.0, unit="log", low=0.0, high=0.5, meaning="Standard deviation of the quarterly shock to the growth of all companies' own AI use after the facts", source="baseline 0.03: in the imposed history a year moves the growth of capacity by .05 to .09 a quarter, which a random walk with steps of .042 does; half of their variance taken as common", prior=Prior(0.02, 0.06, "a factor of two around what the imposed history shows; ours", "log"))
    own_use_volatility_per_quarter: float = param(0.0, unit="log", low=0.0, high=0.5, meaning="The same for one company", source="baseline 0.03: the other half", prior=Prior(0.02, 0.06, "a factor of two around what the imposed history shows; ours", "log"))
    own_use_slack: float = param(0.6, unit="frac", low=0.0, high=5.0, meaning="Own use that can wait: it takes slack capacity up to this share above its first claim", source=FITTED, prior=Prior(0.2, 1.2, "ours"))
    timing_volatility: float = param(0.0, unit="log", low=0.0, high=1.0, meaning="Standard deviation of what a company's quarterly capex departs from its plan after the facts: orders and payments come lumpy", source="baseline 0.1: departures from a centred yearly mean, 2015-2021, are .09 to .15 (capex_quarterly.csv)", prior=Prior(0.06, 0.15, "departures of the five companies from a centred yearly mean, 2015-2021 (capex_quarterly.csv)"))
    non_ai_cycle_per_quarter: float = param(0.0, unit="log", low=0.0, high=0.5, meaning="Standard deviation of the quarterly shock to the growth of all companies' capex outside AI after the facts; a shock fades by growth_persistence", source="yearly growth of the four together has a standard deviation of .125 (2018-2021, capex_quarterly.csv), of single companies .25 to .34", prior=Prior(0.006, 0.025, "a factor of two around what the yearly growth of the four shows, 2018-2021 (capex_quarterly.csv)", "log"))
    non_ai_volatility_per_quarter: float = param(0.0, unit="log", low=0.0, high=0.5, meaning="The same for one company, times its capex_volatility_factor", source="yearly growth of single companies' capex has a standard deviation of .25 to .34 (2015-2021, capex_quarterly.csv)", prior=Prior(0.015, 0.06, "a factor of two around what the yearly growth of the five companies shows, 2015-2021 (capex_quarterly.csv)", "log"))
    non_ai_growth_per_year: float = param(0.06, unit="1/year", low=-0.5, high=1.0, meaning="Growth of capex that is not AI, after the facts", source=OURS, prior=Prior(0.0, 0.15, "none to fast growth of ordinary business; ours"))


class Price(Group):
    """Price of one GW for a quarter."""

    start_usd_bn_per_gw_quarter: float = param(3.0, unit="USD bn/(GW*quarter)", low=0.001, high=1000.0, meaning="List price at the start", source="H100 at about 2.4 USD an hour is 13-15 per GW-year; Oracle-OpenAI 300 over 5 years and 4.5 GW is 13")
    utilisation_response: float = param(0.20, unit="log", low=0.0, high=10.0, meaning="Response a of the log price to utilisation above target", source=FITTED)
    anchor: float = param(0.12, unit="1/quarter", low=0.0, high=1.0, meaning="Speed e of return to full cost times markup", source=FITTED)
    markup: float = param(1.25, unit="1", low=0.1, high=10.0, meaning="Long-run markup over full cost", source="rent 10-13 against full cost of about 9-10 per GW-year")
    spot_elasticity: float = param(2.0, unit="1", low=0.0, high=20.0, meaning="Elasticity to its list price of a provider's pull on buyers without a contract", source=OURS)
    spot_premium: float = param(0.10, unit="frac", low=0.0, high=5.0, meaning="Premium on capacity bought without a contract when it is rationed", source=OURS)


# How one pair bargains; the other protocols also say what the lab's several partners mean for each other.
PairRule = Literal["nash", "kalai_smorodinsky", "alternating_offers", "concession", "screening"]
ProtocolName = Literal[
    "nash",
    "kalai_smorodinsky",
    "alternating_offers",
    "concession",
    "screening",
    "auction",
    "nash_in_nash",
    "nash_in_nash_replacement",
    "nash_in_shapley",
]
ClauseName = Literal["none", "primary", "first_refusal", "exclusive"]
MilestoneName = Literal["gw_live", "revenue", "valuation"]
ConstraintName = Literal["capacity", "power", "cash", "stake_cap", "exclusivity"]
ContinuousIssue = Literal["gw", "take_or_pay", "discount", "equity", "upfront", "warrants", "revenue_share"]


class PairProtocol(Group):
    """How one pair bargains, where it does otherwise than the rest."""

    provider: str = param("", unit="name", meaning="The provider, or empty for all", source=OURS)
    lab: str = param("", unit="name", meaning="The lab, or empty for all", source=OURS)
    protocol: PairRule = param("nash", unit="name", meaning="How they bargain; the first entry that fits holds", source=OURS)


class Negotiation(Group):
    """When parties talk, over which terms, and how they bargain."""

    protocol: ProtocolName = param("nash", unit="name", meaning="Bargaining protocol for all pairs", source="docs/protocols.md names the source, the assumptions and the limits of each")
    pair_protocols: tuple[PairProtocol, ...] = Field(default=(), description="Pairs that bargain by another rule")
    constraints: tuple[ConstraintName, ...] = param(("capacity", "power", "cash", "stake_cap", "exclusivity"), unit="name", meaning="Constraints on the terms that hold: what the provider can build, the world's supply, the provider's cash, the cap on its stake, clauses in force towards others", source=OURS)
    continuous_issues: tuple[ContinuousIssue, ...] = param(("discount", "equity"), unit="name", meaning="Issues moved continuously between the levels on the table once an outcome is chosen", source=OURS)
    provider_power: float = param(0.5, unit="frac", low=0.0, high=1.0, meaning="Provider's bargaining weight", source="barely identified by the facts: moves the undisclosed discount; a scenario axis")
    coverage_threshold: float = param(0.9, unit="frac", low=0.0, high=5.0, meaning="A lab opens talks when contracts cover less than this share of its need", source="(s,S) rule: Scarf (1960)", prior=Prior(0.6, 1.1, "ours"))
    coverage_horizon_quarters: int = param(7, unit="quarter", low=1, high=20, meaning="Horizon at which cover is measured", source=OURS)
    pause_quarters: int = param(2, unit="quarter", low=0, high=40, meaning="Quarters between a lab's rounds of talks", source=OURS)
    readiness_per_quarter: float = param(1.0, unit="1/quarter", low=0.0, high=1.0, meaning="Chance in a quarter that a lab which wants cover has talks ripe to conclude", source="Calvo (1983) form: talks take months (nine lie between the two rearrangements of Microsoft and OpenAI in 2025, deals.csv); value is ours", prior=Prior(0.15, 0.6, "two to seven quarters of talks; ours"))
    deals_per_round: int = param(2, unit="count", low=1, high=10, meaning="Deals a lab signs at most in a quarter", source=OURS)
    gap_share: float = param(0.5, unit="frac", low=0.01, high=1.0, meaning="Largest share of its gap that a lab puts into one deal", source=OURS)
    gw_levels: tuple[float, ...] = param((0.2, 0.4, 0.6, 0.8, 1.0), unit="frac", meaning="Capacity on the table, as shares of the largest deal", source=OURS)
    term_levels_quarters: tuple[int, ...] = param((12, 20, 28), unit="quarter", meaning="Terms on the table", source="disclosed terms run from 3 to 10 years")
    discount_levels: tuple[float, ...] = param((0.0, 0.06, 0.12, 0.18, 0.24, 0.30, 0.36), unit="frac", meaning="Discounts on the table", source=FITTED)
    take_or_pay_levels: tuple[float, ...] = param((0.6, 0.8, 0.95), unit="frac", meaning="Take-or-pay shares on the table", source="96-98 % of CoreWeave's backlog is take-or-pay")
    equity_levels: tuple[float, ...] = param((0.0, 0.1, 0.25, 0.45, 0.7, 1.0), unit="frac", meaning="Equity on the table, as shares of the lab's shortfall of cash", source=OURS)
    upfront_levels: tuple[float, ...] = param((0.25, 1.0), unit="frac", meaning="Part of the equity paid at signing; the rest in thirds as capacity goes live", source="20-31 % of headline equity is upfront in the facts")
    milestones: tuple[MilestoneName, ...] = param(("gw_live", "revenue"), unit="name", meaning="What the rest of the equity may wait for: capacity going live, or the provider's median forecast of revenue or valuation", source="market/data/deals.csv: tranches on capacity, revenue and valuation are disclosed")
    clause_levels: tuple[ClauseName, ...] = param(("none", "primary", "first_refusal", "exclusive"), unit="name", meaning="Clauses on the table, from the weakest to the strongest", source="FTC 6(b) report (2025); Microsoft-OpenAI 2019-2025")
    warrant_levels: tuple[float, ...] = param((0.0, 0.05), unit="frac", meaning="Stakes on the table that the lab grants by warrant, vesting once the capacity is live", source="AMD-OpenAI (2025) is the reverse case")
    revenue_share_levels: tuple[float, ...] = param((0.0, 0.1), unit="frac", meaning="Shares of the lab's revenue on the table for the provider", source="Microsoft-OpenAI: 20 % reported")
    revenue_share_quarters: int = param(20, unit="quarter", low=1, high=80, meaning="Quarters for which a revenue share is owed", source=OURS)
    equity_scale: float = param(1.0, unit="frac", low=0.0, high=10.0, meaning="Size of the equity channel; nil switches it off, disclosed equity included", source=OURS)
    exclusivity: Literal["negotiated", "always", "never"] = param("negotiated", unit="name", meaning="Whether exclusivity is bargained over, imposed or ruled out", source=OURS)
    ramp_quarters: int = param(4, unit="quarter", low=1, high=40, meaning="Quarters over which contracted capacity ramps up", source=OURS)
    discounting_per_quarter: float = param(0.03, unit="1/quarter", low=0.0, high=1.0, meaning="Both sides' discount rate in talks", source=OURS)
    late_penalty_frac: float = param(0.1, unit="frac", low=0.0, high=1.0, meaning="Provider's penalty on capacity promised and late, as a share of its price, in new contracts", source=OURS)
    need_volatility: float = param(0.12, unit="log", low=0.0, high=2.0, meaning="Standard deviation of a lab's need one quarter ahead; grows with the square root of the horizon", source=OURS)
    compute_value_share: float = param(0.5, unit="frac", low=0.0, high=5.0, meaning="Lab's margin on revenue that one more GW of need served brings", source=OURS)
    lock_in_weight: float = param(0.05, unit="frac", low=0.0, high=5.0, meaning="Cost of full dependence, as a share of compute spend over three years", source="barely identified: a scenario axis")
    exposure_weight: float = param(0.08, unit="frac", low=0.0, high=5.0, meaning="Provider's cost of full exposure to one lab, as a share of the commitment", source="barely identified: a scenario axis")
    optimism: float = param(0.05, unit="frac", low=-1.0, high=10.0, meaning="Lab's own view of its value above the outside round's", source=OURS)
    pull_through_margin: float = param(0.25, unit="frac", low=0.0, high=1.0, meaning="Provider's margin on regained customers", source="AWS operating margin is 30-38 %")
    pull_through_multiple: float = param(2.5, unit="1", low=0.0, high=10.0, meaning="Cloud spending that comes with a dollar of AI spending when a customer moves", source="fitted: exclusive deals appear early and vanish as need outgrows one provider")
    second_source_value: float = param(0.04, unit="frac", low=0.0, high=5.0, meaning="Option value of a second source, as a share of compute spend over the clause", source=OURS)
    capture_frac: float = param(0.01, unit="frac", low=0.0, high=1.0, meaning="Part of a lab's need not contracted yet that an exclusive clause brings its holder, beyond what it would have won; weaker clauses bring less", source="ours, a prior: no disclosed deal prices a right of first refusal")
    obsolescence_per_year: float = param(0.12, unit="1/year", low=0.0, high=2.0, meaning="Fall of the market price of a contracted GW as newer vintages come, a year: what a long term costs the lab", source="fitted: disclosed terms centre on five years; below the 37 % a year by which hardware improves, since contracts are partly refreshed")
    resale_frac: float = param(0.6, unit="frac", low=0.0, high=1.0, meaning="Value of chips left over at the end of a contract, as a share of book", source=OURS)
    default_probability_per_quarter: float = param(0.006, unit="1/quarter", low=0.0, high=1.0, meaning="Provider's view of a lab's default with a full runway; doubles with none", source="speculative-grade default of 2-4 % a year")
    fixed_cost_share: float = param(0.01, unit="frac", low=0.0, high=1.0, meaning="Fixed cost of a deal to each side, as a share of the lab's yearly compute spend", source=OURS)
    equity_fixed_cost_share: float = param(0.001, unit="frac", low=0.0, high=1.0, meaning="Fixed cost of bringing equity into a deal, as a share of the lab's value, to each side", source="approvals, diligence and antitrust review; ours; the value was set by hand against the disclosed facts", prior=Prior(0.0005, 0.003, "a factor of two to three around what was set by hand; ours", "log"))


class Talks(Group):
    """How talks are conducted under the protocols that need to know."""

    impatience_per_quarter: float = param(0.03, unit="1/quarter", low=0.0, high=10.0, meaning="Mean discount rate of the two sides during talks; the weaker side's is higher", source="as negotiation.discounting_per_quarter; Binmore, Rubinstein and Wolinsky (1986)")
    offer_interval_quarters: float = param(0.25, unit="quarter", low=1e-6, high=100.0, meaning="Time between two offers", source="three weeks; ours")
    deadline_rounds: int = param(1000, unit="count", low=1, high=100_000, meaning="Offers after which alternating offers end without a deal", source="far off, so that only patience counts; ours")
    screening_rounds: int = param(20, unit="count", low=1, high=100_000, meaning="Offer intervals after which screening ends without a deal; five offers at most are spread over them", source="five quarters; ours")
    concession_rounds: int = param(20, unit="count", low=2, high=10_000, meaning="Offers after which concession tactics end without a deal", source=OURS)
    breakdown_prob: float = param(0.0, unit="frac", low=0.0, high=1.0, meaning="Chance that talks break down after a rejected offer", source=OURS)
    first_mover: Literal["lab", "provider"] = param("provider", unit="name", meaning="Who makes the first offer", source=OURS)
    tactic: Literal["polynomial", "exponential"] = param("polynomial", unit="name", meaning="Form of time-dependent concession", source="Faratin, Sierra and Jennings (1998)")
    lab_concession: float = param(1.0, unit="1", low=1e-3, high=1e3, meaning="Lab's concession exponent: below 1 Boulware, above 1 conceder", source="Faratin, Sierra and Jennings (1998)")
    provider_concession: float = param(1.0, unit="1", low=1e-3, high=1e3, meaning="Provider's concession exponent", source="Faratin, Sierra and Jennings (1998)")
    opening_concession: float = param(0.0, unit="frac", low=0.0, high=1.0, meaning="What both concede in their first offer", source="Faratin, Sierra and Jennings (1998)")
    acceptance: Literal["next", "constant", "deadline"] = param("next", unit="name", meaning="When an offer is accepted: as good as one's own next offer, above a constant, or anything at the deadline", source="Baarslag et al. (2013)")
    acceptance_level: float = param(0.8, unit="frac", low=0.0, high=1.0, meaning="The constant, as a share of one's best gain", source="Baarslag et al. (2013)")
    bidder_shape: float = param(1.0, unit="1", low=1e-3, high=1e3, meaning="Exponent of the distribution that bidders believe their rivals' largest bids to come from", source="uniform; Vickrey (1961), Che (1993)")


class Beliefs(Group):
    """How the two sides' forecasts differ from the common one, and what each does not know of the other."""

    lab_growth_per_quarter: float = param(0.0, unit="1/quarter", low=-0.5, high=0.5, meaning="What labs add to the common forecast of the growth of their need and revenue", source="same rule for both sides unless a scenario says otherwise")
    provider_growth_per_quarter: float = param(0.0, unit="1/quarter", low=-0.5, high=0.5, meaning="What providers add to it", source="same rule for both sides unless a scenario says otherwise")
    lab_price_drift_per_quarter: float = param(0.0, unit="1/quarter", low=-0.5, high=0.5, meaning="What labs add to the common forecast of the growth of compute prices", source="same rule for both sides unless a scenario says otherwise")
    provider_price_drift_per_quarter: float = param(0.0, unit="1/quarter", low=-0.5, high=0.5, meaning="What providers add to it", source="same rule for both sides unless a scenario says otherwise")
    lab_default_factor: float = param(1.0, unit="1", low=0.0, high=100.0, meaning="A lab's view of its own default relative to the common one", source="same rule for both sides unless a scenario says otherwise")
    provider_default_factor: float = param(1.0, unit="1", low=0.0, high=100.0, meaning="Providers' view of it relative to the common one", source="same rule for both sides unless a scenario says otherwise")
    reservation_width: float = param(0.0, unit="frac", low=0.0, high=1.0, meaning="Width of what each side believes of the other's reservation gain, as a share of its best gain; the truth is drawn in it", source="nil: complete information; Sobel and Takahashi (1983)")


class Uncertainty(Group):
    """Draws per replicate that act from the end of the facts on."""

    scale: float = param(1.0, unit="frac", low=0.0, high=10.0, meaning="Multiplies all standard deviations below; nil leaves the luck of the seeds alone", source=OURS)
    demand_level: float = param(0.30, unit="log", low=0.0, high=3.0, meaning="Standard deviation of log saturation", source=OURS)
    elasticity: float = param(0.06, unit="log", low=0.0, high=1.0, meaning="Standard deviation of log elasticity of demand to compute", source=OURS)
    supply_growth: float = param(0.25, unit="log", low=0.0, high=3.0, meaning="Standard deviation of log growth of supply", source=OURS)
    own_use_growth: float = param(0.25, unit="log", low=0.0, high=3.0, meaning="Standard deviation of log growth of companies' own AI use", source=OURS)
    build_cost: float = param(0.12, unit="log", low=0.0, high=3.0, meaning="Standard deviation of log build cost", source=OURS)
    revenue_per_gw: float = param(0.15, unit="log", low=0.0, high=3.0, meaning="Standard deviation of log revenue per GW of inference", source=OURS)


class HyperscalerSpec(Group):
    """One hyperscaler."""

    random_key: str = param("", unit="name", meaning="Name under which it draws its luck; its own name where empty", source=OURS)
    sells: bool = param(True, unit="name", meaning="Whether it sells compute to others", source="Meta builds and sells none")
    builds: bool = param(True, unit="name", meaning="Whether it may order capacity", source=OURS)
    capacity_gw: float = param(0.05, unit="GW", low=0.0, high=1e6, meaning="AI capacity installed at the start, evenly aged", source=OURS)
    own_use_share: float = param(0.5, unit="frac", low=0.0, high=1.0, meaning="Share of capacity that its own AI products take first", source="own use is about half of 2025 capacity (design brief)")
    own_use_growth_per_year: float = param(0.5, unit="1/year", low=-0.9, high=10.0, meaning="Growth of own use at the start; it adapts to what is seen while facts are imposed, and is damped after", source=OURS)
    cash_usd_bn: float = param(50.0, unit="USD bn", low=0.0, high=1e6, meaning="Cash at the start", source="10-K for 2018, rounded")
    debt_usd_bn: float = param(20.0, unit="USD bn", low=0.0, high=1e6, meaning="Debt at the start", source="10-K for 2018, rounded")
    cash_flow_usd_bn_per_quarter: float = param(8.0, unit="USD bn/quarter", low=0.0, high=1e6, meaning="Operating cash flow from all but AI at the start", source="10-K for 2019, a quarter of the year, rounded")
    cash_flow_growth_per_year: float = param(0.15, unit="1/year", low=-0.5, high=2.0, meaning="Growth of that cash flow", source="10-K 2019 to 2025, rounded")
    loan_to_value: float = param(0.3, unit="frac", low=0.0, high=0.95, meaning="Share of a contract-backed build that is borrowed", source="CoreWeave and Oracle fund builds by debt on contracts; the others from cash flow")
    build_cost_factor: float = param(1.0, unit="1", low=0.1, high=10.0, meaning="Cost of a GW relative to merchant chips (own silicon is cheaper)", source="Google and Amazon build with their own chips; size is ours")
    exposure_factor: float = param(1.0, unit="1", low=0.0, high=10.0, meaning="Dislike of exposure to one lab relative to the others", source="Oracle and CoreWeave carry single customers near or above half of their backlog")
    ai_capex_factor: float = param(1.0, unit="1", low=0.0, high=10.0, meaning="Share of capex that is AI relative to the common path", source="Epoch AI chip ownership at end 2025 against capex of 2023-25")
    capex_usd_bn_per_quarter: float = param(1.0, unit="USD bn/quarter", low=0.0, high=1e6, meaning="All of its capex at the start where no fact is imposed", source=OURS)
    capex_volatility_factor: float = param(1.0, unit="1", low=0.0, high=10.0, meaning="Its shocks to timing of capex and to capex outside AI relative to the common ones", source="departures from a centred yearly mean to 2021Q4 over the mean of the five companies (capex_quarterly.csv)")
    cloud_revenue_usd_bn_per_quarter: float = param(1.0, unit="USD bn/quarter", low=0.0, high=1e6, meaning="Cloud revenue other than AI at the start where no fact is imposed", source="market/data/cloud_revenue.csv")
    cloud_counted_frac: float = param(1.0, unit="frac", low=0.0, high=1.0, meaning="Share of its reported cloud segment that market trackers count as infrastructure services", source="Microsoft's Intelligent Cloud against Synergy's share of it, 2019-2026: about two thirds")
    cloud_share: float = param(0.2, unit="frac", low=0.0, high=1.0, meaning="Share of enterprises whose incumbent cloud it is at the start", source="Synergy, market/data/market_share.csv")
    supplier: str = param("", unit="name", meaning="Accelerator supplier it mostly buys from", source=OURS)


class LabSpec(Group):
    """One AI lab."""

    random_key: str = param("", unit="name", meaning="Name under which it draws its luck; its own name where empty", source=OURS)
    owner: str = param("", unit="name", meaning="Hyperscaler it belongs to (integrated lab), or empty", source=OURS)
    home: str = param("", unit="name", meaning="Provider that serves it before any deal, or empty", source=OURS)
    enters: str = param("", unit="name", meaning="Quarter in which it enters, or empty for the start", source=OURS)
    fails: str = param("", unit="name", meaning="Quarter in which it is made to fail, or empty", source=OURS)
    sells: bool = param(True, unit="name", meaning="Whether it sells access to its models", source="Meta gives its models away")
    cash_usd_bn: float = param(0.5, unit="USD bn", low=0.0, high=1e5, meaning="Cash on entry", source="market/data/labs.csv where disclosed")
    training_gw: float = param(0.002, unit="GW", low=0.0, high=1e4, meaning="Training need on entry", source=OURS)
    training_factor: float = param(1.0, unit="1", low=0.0, high=100.0, meaning="Training budget relative to the common share of value", source=FITTED)
    compute_effective: float = param(0.005, unit="GW*quarter", low=1e-12, high=1e9, meaning="Effective training compute of its generation on entry", source=OURS)
    consumer_appeal: float = param(0.0, unit="utility", low=-50.0, high=50.0, meaning="Consumers' intercept of utility", source=FITTED)
    enterprise_appeal: float = param(0.0, unit="utility", low=-50.0, high=50.0, meaning="Enterprises' intercept of utility", source=FITTED)
    price_factor: float = param(1.0, unit="1", low=0.01, high=100.0, meaning="Price of its service relative to the market", source=OURS)
    revenue_per_gw_factor: float = param(1.0, unit="1", low=0.01, high=100.0, meaning="Revenue per GW of inference relative to the common one", source=OURS)
    bargaining_power: float = param(-1.0, unit="frac", low=-1.0, high=1.0, meaning="Its own bargaining weight; -1 takes one less negotiation.provider_power", source=OURS)
    founders_frac: float = param(1.0, unit="frac", low=0.01, high=1.0, meaning="Stake of founders and earlier holders on entry", source=OURS)
    distress_value_factor: float = param(0.6, unit="frac", low=0.0, high=1.0, meaning="Value in a down round, relative to the ordinary one", source=OURS)
    self_supplied_gw: float = param(0.0, unit="GW", low=0.0, high=1e4, meaning="Largest capacity that it can find at other clouds without a deal", source=OURS)


class SupplierSpec(Group):
    """An accelerator supplier: an account and a node, not an agent."""

    merchant_share: float = param(0.8, unit="frac", low=0.0, high=1.0, meaning="Share of merchant chip purchases that it gets", source="Epoch AI: NVIDIA above 60 % of compute; split of the rest is ours")
    invests: bool = param(True, unit="name", meaning="Whether it takes stakes in labs", source="market/data/deals.csv")


RuleKind = Literal["exclusivity_ban", "stake_cap", "egress_cap", "interoperability", "disclosure", "none"]
ShockKind = Literal[
    "demand_collapse",
    "accelerator_shortage",
    "power_limit",
    "interest_rate",
    "efficiency_jump",
    "investor_exit",
    "lab_failure",
    "none",
]


class Rule(Group):
    """A dated policy rule."""

    kind: RuleKind = param("none", unit="name", meaning="What the rule does", source=OURS)
    since: str = param("2027Q1", unit="name", meaning="First quarter in force", source=OURS)
    until: str = param("", unit="name", meaning="First quarter no longer in force, or empty", source=OURS)
    size: float = param(1.0, unit="1", low=0.0, high=1e3, meaning="Stake cap (fraction), egress left (fraction of friction), interoperability (fraction of switching cost left)", source=OURS)


class Shock(Group):
    """A dated shock."""

    kind: ShockKind = param("none", unit="name", meaning="What happens", source=OURS)
    since: str = param("2027Q1", unit="name", meaning="First quarter hit", source=OURS)
    until: str = param("", unit="name", meaning="First quarter no longer hit, or empty", source=OURS)
    size: float = param(0.5, unit="1", low=0.0, high=1e3, meaning="Factor on demand, supply or appetite, points of interest a quarter, or factor on efficiency", source=OURS)
    target: str = param("", unit="name", meaning="Lab that fails", source=OURS)


class Intervention(Group):
    """A deal that is not signed, or signed on other terms, in a world that is the same up to then."""

    deal: str = param("", unit="name", meaning="Slug of a disclosed deal, or REPLICATE:NUMBER of a simulated one, which is there in that replicate alone", source=OURS)
    kind: Literal["remove", "change"] = param("remove", unit="name", meaning="Whether the deal is not signed, or signed with the terms given here", source=OURS)
    equity_usd_bn: float | None = param(None, unit="USD bn", low=0.0, high=1e5, meaning="Equity in all: tranches in proportion, at the same pre-money; nil drops it", source=OURS)
    gw: float | None = param(None, unit="GW", low=0.0, high=1e4, meaning="Largest capacity: the whole path and milestones on it in proportion; nil drops the capacity", source=OURS)
    price_usd_bn_per_gw_quarter: float | None = param(None, unit="USD bn/(GW*quarter)", low=0.0, high=1000.0, meaning="Price after the discount", source=OURS)
    term_quarters: int | None = param(None, unit="quarter", low=1, high=80, meaning="Quarters of capacity: the path is cut, or its last level goes on; a clause that ends with it ends with it", source=OURS)
    take_or_pay_frac: float | None = param(None, unit="frac", low=0.0, high=1.0, meaning="Take-or-pay share", source=OURS)
    exclusivity: ClauseName | None = param(None, unit="name", meaning="Clause; one where there was none ends with the capacity", source=OURS)
    revenue_share_frac: float | None = param(None, unit="frac", low=0.0, high=1.0, meaning="Share of the lab's revenue; one where there was none is owed for negotiation.revenue_share_quarters", source=OURS)
    bar_quarters: int = param(0, unit="quarter", low=0, high=400, meaning="Quarters after the removal in which the same two sign nothing new in talks", source=OURS)


class Policy(Group):
    """Rules in force from the start, and dated ones."""

    exclusivity_ban: bool = param(False, unit="name", meaning="Forbid exclusivity in new deals after the facts", source="FTC 6(b) report (2025) discusses exclusivity")
    stake_cap: float = param(1.0, unit="frac", low=0.0, high=1.0, meaning="Largest stake of one provider in one lab, new deals", source="CMA and FTC reviews of partnerships")
    rules: tuple[Rule, ...] = Field(default=(), description="Dated rules")


class Scenario(Group):
    """A resolved scenario: frozen, complete, runnable."""

    name: str = param("default", unit="name", meaning="Name of the scenario", source=OURS)
    description: str = param("", unit="name", meaning="What the scenario is for, in one sentence", source=OURS)
    time: Time = Field(default_factory=Time)
    ledger: Ledger = Field(default_factory=Ledger)
    enterprises: Enterprises = Field(default_factory=Enterprises)
    demand: Demand = Field(default_factory=Demand)
    training: Training = Field(default_factory=Training)
    labs_common: Labs = Field(default_factory=Labs)
    funding: Funding = Field(default_factory=Funding)
    capacity: Capacity = Field(default_factory=Capacity)
    supply: Supply = Field(default_factory=Supply)
    capex: Capex = Field(default_factory=Capex)
    price: Price = Field(default_factory=Price)
    negotiation: Negotiation = Field(default_factory=Negotiation)
    talks: Talks = Field(default_factory=Talks)
    beliefs: Beliefs = Field(default_factory=Beliefs)
    uncertainty: Uncertainty = Field(default_factory=Uncertainty)
    policy: Policy = Field(default_factory=Policy)
    shocks: tuple[Shock, ...] = Field(default=(), description="Dated shocks")
    interventions: tuple[Intervention, ...] = Field(default=(), description="Deals removed or changed")
    hyperscalers: dict[str, HyperscalerSpec] = Field(default_factory=dict, description="Hyperscalers by name")
    labs: dict[str, LabSpec] = Field(default_factory=dict, description="AI labs by name")
    suppliers: dict[str, SupplierSpec] = Field(default_factory=dict, description="Accelerator suppliers by name")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        scenario_checks.check(self)
        return self

    @classmethod
    def load(cls, name_or_path: str | Path) -> Scenario:
        """Load a shipped scenario by name, or a TOML file by path.

        Raises `market.scenario_files.ScenarioError` with one line that names file, line and key.

        >>> Scenario.load("tiny").name
        'tiny'
        """
        return scenario_files.load_scenario(cls, str(name_or_path), (SHIPPED_SCENARIOS,))

    def with_(self, changes: Mapping[str, Any]) -> Scenario:
        """Copy with dotted paths changed.

        >>> Scenario.load("tiny").with_({"enterprises.count": 7}).enterprises.count
        7
        """
        return scenario_files.override(self, changes)

    def diff(self, other: Scenario) -> dict[str, tuple[Any, Any]]:
        """Paths at which two scenarios differ, with both values.

        >>> tiny = Scenario.load("tiny")
        >>> tiny.diff(tiny.with_({"enterprises.count": 7}))["enterprises.count"][1]
        7
        """
        return scenario_files.differences(self, other)

    def dump(self) -> str:
        """The resolved scenario as TOML text that loads to an equal scenario."""
        return scenario_files.dump_scenario(self)

    def content_hash(self) -> str:
        """SHA-256 of the resolved scenario."""
        return scenario_files.content_hash(self)

    @classmethod
    def file_schema(cls) -> dict[str, Any]:
        """JSON schema of a scenario file, for editors."""
        return scenario_files.json_schema(cls)
