"""Election-day pages of the desk: board, stations, calls, messages, exports."""
