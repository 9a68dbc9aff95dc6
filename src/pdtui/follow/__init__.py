"""Files that change: reading what is added to them, and being told of it. Threads live here."""
