"""Arête: attribution graphs of image classifiers, computed, stored, queried and compared."""

__version__ = "0.1.0"
