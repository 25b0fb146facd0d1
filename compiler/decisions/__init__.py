"""Who may do what around the fabric: requests that rules other than those of packets decide."""
