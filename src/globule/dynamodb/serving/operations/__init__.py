"""The data API, one file an operation or a small family.

Each operation is a function of an `Api` and a typed request. It validates in AWS's order: parameters that do not go
together, values, expressions, then the table, then keys; only then it reads, or writes in one transaction. Reads are
ordinary functions, so they answer without a trip through the event loop; writes are coroutines.
"""
