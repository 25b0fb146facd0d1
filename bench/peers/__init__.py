"""Who the classifier is measured against: DPDK's rte_acl, in the same process."""
