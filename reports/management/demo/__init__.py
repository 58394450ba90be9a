"""The demonstration election: real regions and findings like those of 2022; everything else is invented.

All random values are drawn from fixed seeds, so that every machine shows the same figures. The data is stored through
the services that a real election uses.
"""
