"""Policybell tells people when US immigration policy changes."""

__version__ = "0.1.0"
