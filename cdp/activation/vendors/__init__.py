"""Each vendor's interface in one module: what is sent, in batches of the size that it takes, and its answer read row by row.

All of them keep sets of people: what is sent twice counts once.
"""
