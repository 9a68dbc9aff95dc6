"""Made-up logs of P/D runs, line for line in the form of the real ones, for the demo and tests."""
