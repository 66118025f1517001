"""One module a department: what it keeps, how and in which kind of file it writes it down, and what its fields mean.

None knows what another one wrote.
"""
