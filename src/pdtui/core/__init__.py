"""What the logs mean: rows, ranks, markers, order. Pure: numpy and the standard library."""
