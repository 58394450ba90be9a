"""The desk's pages about reports. Each module registers its own; named here, it is read."""
