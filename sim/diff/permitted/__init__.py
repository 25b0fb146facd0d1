"""The fewest policies that permit exactly what was observed."""
