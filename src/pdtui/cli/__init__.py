"""The command line: arguments → sources and filters → the viewer or an output."""
