"""Random inputs with oracles that know what the answer has to be: `make fuzz MINUTES=10`.

A crash is the smaller part of what can go wrong; nonsense that is accepted is the larger. So each
oracle makes an input, asks cloison, and compares the answer with what follows from the input by
other means: sizes asked for and built, numbers given twice, verdicts of a slow twin, documents
forged, secrets quoted. An oracle is a function of a random generator and an empty directory; it
raises when something is wrong. A seed prints with every failure, and makes the same case again:
`make fuzz ONLY=lock:7.12`.
"""
