"""Packet classification: a `RuleSet` in, an engine chosen, rule ids out.

    classifier = build(rules)
    ids = classifier.classify(columns)          # int32, -1: no rule
    classifier.plans                            # which engine, why, bytes, seconds

Four engines, and one of last resort; all give identical answers
(`tests/sim/classify/engines/test_engines.py`):

* `dense`: one grid of address × L4 classes, for tables without keys where the grid is small;
* `cells`: the same without L4 classes: port intervals, or the few rules, of each cell;
* `keyed`: a grid per (VNI, direction, endpoint), for policy tables;
* `hybrid`: a small grid for short prefixes and pruned tuple-space search for the rest: memory grows
  with the rules, whatever their ranges;
* `linear`: every rule in turn, where nothing else fits the memory.
"""

from sim.classify.classifier import Classifier, build
from sim.classify.engines.plan import TablePlan

__all__ = ["Classifier", "TablePlan", "build"]
