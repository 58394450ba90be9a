"""The demonstration election: real regions and findings like those of 2022, everything else invented.

Everything is drawn from one seed, so that two machines show the same figures, and it enters by the
services that the real thing uses.
"""
