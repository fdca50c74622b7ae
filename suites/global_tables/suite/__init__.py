"""What the tests stand on: the regions, a global table, its streams, and the means to wait, race and break."""
