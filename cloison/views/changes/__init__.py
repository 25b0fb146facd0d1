"""What a change does: who gains and loses, what was approved of it, in which order it is safe."""
