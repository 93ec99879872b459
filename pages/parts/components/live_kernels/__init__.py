"""Kernels as they form."""
