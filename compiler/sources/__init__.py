"""Policy text to IR: one frontend per source of policy, none of which knows another."""
