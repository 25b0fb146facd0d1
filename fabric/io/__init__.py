"""Files of strangers, in and out: read within bounds, written whole or not at all."""
