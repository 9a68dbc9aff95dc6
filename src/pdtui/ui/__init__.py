"""The screen. Reads the store, owns no facts."""
