"""Devices put together: a network with policy, which every verb takes."""
