"""Many pieces of one kind of work, done here, by processes of this machine, or by a cluster."""
