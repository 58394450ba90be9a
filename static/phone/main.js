// Starts the client.
