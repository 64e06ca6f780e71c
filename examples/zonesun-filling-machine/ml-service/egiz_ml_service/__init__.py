"""The model service of the filling machine example: what `ml-caller` calls."""

__version__ = "1.0.0"
