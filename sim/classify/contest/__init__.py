"""Contests between cloison's classifier, DPDK's rte_acl and what the machine could do at best."""
