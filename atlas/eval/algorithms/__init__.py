"""Algorithms on arrays of shape (lines, steps). They know no expression; NaN is a gap."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
