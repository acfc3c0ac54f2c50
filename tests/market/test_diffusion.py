"""Bass diffusion against the numbers of the literature."""

from __future__ import annotations

import numpy as np
import pytest

from market.diffusion import bass_cumulative, bass_discrete, bass_hazard, bass_peak


def test_peak_of_the_textbook_case() -> None:
    time, adopted, rate = bass_peak(0.03, 0.38)
    assert (round(time, 4), round(adopted, 5), round(rate, 5)) == (6.1926, 0.46053, 0.11059)
    assert float(bass_cumulative(time, 0.03, 0.38)) == pytest.approx(adopted, abs=1e-15)


def test_peak_without_imitation_is_at_the_start() -> None:
    assert bass_peak(0.05, 0.02) == (0.0, 0.0, 0.05)


def test_cumulative_adoption() -> None:
    adopted = bass_cumulative([0, 1, 2, 5, 10, 15], 0.03, 0.38)
    np.testing.assert_array_equal(adopted.round(4), [0.0, 0.0358, 0.0851, 0.3312, 0.8128, 0.9716])


def test_cumulative_adoption_solves_the_differential_equation() -> None:
    t, h = np.linspace(0.5, 20.0, 40), 1e-5
    slope = (bass_cumulative(t + h, 0.03, 0.38) - bass_cumulative(t - h, 0.03, 0.38)) / (2.0 * h)
    adopted = bass_cumulative(t, 0.03, 0.38)
    np.testing.assert_allclose(slope, (0.03 + 0.38 * adopted) * (1.0 - adopted), rtol=1e-8)


def test_discrete_steps_differ_from_the_continuous_form() -> None:
    assert bass_discrete(10, 0.03, 0.38)[[0, 1, 2, 9]].round(4).tolist() == [0.03, 0.0702, 0.1228, 0.7826]


def test_hazard_is_a_probability() -> None:
    assert bass_hazard([0.0, 0.5, 1.0], 0.3, 0.9).tolist() == [0.3, 0.75, 1.0]


def test_bad_coefficients_are_refused() -> None:
    with pytest.raises(ValueError, match="innovation > 0"):
        bass_hazard(0.1, 0.0, 0.3)
