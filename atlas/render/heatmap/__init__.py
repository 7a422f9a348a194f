"""Heat maps: the lines of an axis as counts by time and value."""

from atlas.render.heatmap.cells import HeatMap, heat_map
from atlas.render.heatmap.ticks import Tick

__all__ = ["HeatMap", "Tick", "heat_map"]
