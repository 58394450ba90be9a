"""The desk's pages about reports. Each module registers its own; named here, it is read."""

from reports.desk import board, dictation, messages, rehearsals, replacing, station, stations

__all__ = ["board", "dictation", "messages", "rehearsals", "replacing", "station", "stations"]
