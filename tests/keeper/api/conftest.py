"""Fixtures of this folder."""

from fake_chain import fake

__all__ = ["fake"]
