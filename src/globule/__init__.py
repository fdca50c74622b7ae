"""Globule: a global, multi-region serverless service on one machine, from the templates that you deploy to AWS."""
