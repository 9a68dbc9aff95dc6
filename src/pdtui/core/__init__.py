"""What the logs mean: rows, ranks, markers, order, filters. Pure: numpy and the standard library."""
