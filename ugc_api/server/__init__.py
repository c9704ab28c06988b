"""What stands between a socket and the application: nothing of it knows what an event is."""
