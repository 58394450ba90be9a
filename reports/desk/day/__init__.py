"""Pages of election day: board, stations, calls, messages, exports."""
