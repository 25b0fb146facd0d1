"""The control plane at its fixed point: underlay, EVPN Type-5 routes, FIBs, findings."""
