"""Meridian's rules and its table, shared by the functions beside this folder."""
