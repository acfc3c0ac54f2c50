"""What the enterprises' choice is among, and the tables the compiled race reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from market import choice_kernels as kernels
from market.randomness import key64
from market.scenario import Enterprises
from market.vector_race import INDEX_MASK, LANES

Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class ChannelSpace:
    """Labs (open models among them) and clouds in the order of the arrays, with their luck keys.

    A channel (lab, cloud) has the id lab * clouds + cloud. Keys come from the names the parties draw their
    luck under (`lab_luck`, `cloud_luck`: their own names where empty), never from a place in the list.
    Raises ValueError for a repeated name or more than 255 channels.

    >>> ChannelSpace(("OpenAI", "Open models"), ("Amazon", "Other clouds")).channel(2)
    ('Open models', 'Amazon')
    """

    labs: Sequence[str]
    clouds: Sequence[str]
    lab_luck: Sequence[str] = ()
    cloud_luck: Sequence[str] = ()
    lab_keys: Keys = field(init=False, repr=False)
    cloud_keys: Keys = field(init=False, repr=False)
    channel_keys: Keys = field(init=False, repr=False)

    def __post_init__(self) -> None:
        labs, clouds = self.lab_luck or self.labs, self.cloud_luck or self.clouds
        if len(labs) != len(self.labs) or len(clouds) != len(self.clouds):
            raise ValueError("a luck name is missing: one is needed for every lab and every cloud")
        if len(set(labs)) < len(labs) or len(set(clouds)) < len(clouds):
            raise ValueError(f"names must differ: {list(labs)}, {list(clouds)}")
        if len(labs) * len(clouds) >= INDEX_MASK:
            raise ValueError(f"{len(labs)} labs on {len(clouds)} clouds are too many: at most 254 channels")
        object.__setattr__(self, "lab_keys", _keys([("lab", lab) for lab in labs]))
        object.__setattr__(self, "cloud_keys", _keys([("cloud", cloud) for cloud in clouds]))
        object.__setattr__(self, "channel_keys", _keys([("channel", lab, cloud) for lab in labs for cloud in clouds]))

    def channel(self, number: int) -> tuple[str, str]:
        """Names (lab, cloud) of a channel id."""
        lab, cloud = divmod(number, len(self.clouds))
        return self.labs[lab], self.clouds[cloud]


def race_tables(
    space: ChannelSpace,
    rules: Enterprises,
    utility: Floats,
    reach: npt.NDArray[np.bool_],
    friction: float,
    switching_cost: float,
    cloud_utility: Floats,
    nest_noise: npt.NDArray[np.float32],
) -> kernels.Race:
    """Tables of the race for one quarter.

    Utility of channel (lab, cloud) to an enterprise of a segment, in logit units:
    `utility` [segment, lab] or [segment, lab, cloud], less `friction` off its incumbent cloud, less
    `switching_cost` where the lab is not that of its primary channel (none for a first purchase);
    buying nothing gives `rules.no_purchase_utility`. Channels not in `reach` [lab, cloud] cannot be had.
    Raises ValueError for a wrong shape, a NaN or an infinite utility.
    """
    value = _channel_utility(space, rules.segments, utility, reach)
    rates = _rates(_situations(value, rules.no_purchase_utility, friction, switching_cost), rules.nest)
    pad = -rates.shape[1] % LANES
    rates = np.pad(rates, ((0, 0), (0, pad)), constant_values=np.inf)
    # Two keys: the noise of the nest of no purchase must not be that of its only member.
    outside, outside_nest = _keys([("no purchase",)]), _keys([("nest", "no purchase")])
    return kernels.Race(
        labs=len(space.labs),
        clouds=len(space.clouds),
        nested=rules.nest < 1.0,
        # Three roundings of 2^-24 each must not lift a bound above the time it bounds.
        bounds=(np.minimum(rates, kernels.OUT_OF_REACH) * (1.0 - 1e-6)).astype(np.float32),
        rates=rates,
        keys=np.pad(np.concatenate([space.channel_keys, outside]), (0, pad)),
        nest_keys=np.pad(np.concatenate([np.repeat(space.lab_keys, len(space.clouds)), outside_nest]), (0, pad)),
        nest_noise=nest_noise,
        reach=np.pad(np.isfinite(value).reshape(rules.segments, -1), ((0, 0), (1, 0)), constant_values=True),
        lab_of=np.append(len(space.labs), np.arange(value[0].size) // len(space.clouds)).astype(np.int32),
        cloud_of=(np.arange(value[0].size) % len(space.clouds)).astype(np.int8),
        cloud_rates=_rates(cloud_utility, 1.0),
        cloud_keys=space.cloud_keys,
    )


def _channel_utility(space: ChannelSpace, segments: int, utility: Floats, reach: npt.NDArray[np.bool_]) -> Floats:
    """Utility [segment, lab, cloud], -inf out of reach."""
    shape = (segments, len(space.labs), len(space.clouds))
    if utility.shape not in (shape, shape[:2]) or reach.shape != shape[1:]:
        raise ValueError(f"utility {utility.shape} must be {shape[:2]} or {shape}, reach {reach.shape} {shape[1:]}")
    value = np.broadcast_to(utility if utility.ndim == 3 else utility[:, :, None], shape)
    if not np.isfinite(value[:, reach]).all():
        raise ValueError("the utility of a channel in reach is not a finite number")
    return np.where(reach, value, -np.inf)


def _situations(value: Floats, outside: float, friction: float, switching_cost: float) -> Floats:
    """Utilities [situation, alternative], no purchase last; situations in the order of `row_of_tables`."""
    segments, labs, clouds = value.shape
    off_cloud = friction * (1.0 - np.eye(clouds))
    off_lab = np.vstack([switching_cost * (1.0 - np.eye(labs)), np.zeros(labs)])
    full = value[:, None, None] - off_cloud[None, :, None, None, :] - off_lab[None, None, :, :, None]
    flat = full.reshape(segments * clouds * (labs + 1), labs * clouds)
    return np.hstack([flat, np.full((flat.shape[0], 1), outside)])


def _rates(utility: Floats, dissimilarity: float) -> Floats:
    """exp((max v - v) / lambda) along the last axis: the expected time of each alternative in the race."""
    with np.errstate(over="ignore"):
        return np.asarray(np.exp((utility.max(axis=-1, keepdims=True) - utility) / dissimilarity))


def _keys(parts: list[Any]) -> Keys:
    return np.array([key64(0, 0, *names) & 0xFFFFFFFF for names in parts], dtype=np.uint32)
