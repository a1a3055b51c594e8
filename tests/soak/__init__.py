"""The soak: cameras, brokers and bad pictures for as long as one likes. Not collected by pytest."""
