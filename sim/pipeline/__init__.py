"""The DPU pipeline: tables, datapath, connection tracking, traffic, traces, replay."""
