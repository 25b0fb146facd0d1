"""Text to `FabricSpec`: YAML with places, extends and patches, ranges, shape, schema."""
