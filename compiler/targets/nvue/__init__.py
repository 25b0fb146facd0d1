"""Configurations of NVUE, and lists that know neither groups nor VRFs."""
