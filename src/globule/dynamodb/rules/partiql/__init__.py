"""PartiQL: statements in place of operations.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html

A statement is parsed into the same trees that expressions have, with placeholders of its own making, so conditions
and updates mean the same and run the same, whichever way they were said.
"""
