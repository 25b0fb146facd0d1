"""How long packets last: hosts send with a TTL (hop limit) of `TTL`. Every VTEP on the way takes
one away and passes nothing on that has one left (RFC 1812 §5.3.1, RFC 8200 §3), not to an endpoint
either.
"""

TTL = 64
"""Linux, `net.ipv4.ip_default_ttl`; what IANA recommends."""
LAST = TTL - 2
"""Out of how many tunnels, one after the other, a packet may come and still be passed on."""
