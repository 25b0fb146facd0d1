"""The same network in the Linux kernel: namespaces, real tunnels, the compiled rules as nftables.

`layout` says what there will be (pure), `kernel` speaks netlink, `up` builds and removes,
`probes` makes and reads frames, `trial` sends them and compares with the simulator, `state`
remembers what was built so that `down` finds it after a crash.
"""
