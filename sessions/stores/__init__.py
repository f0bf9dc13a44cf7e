"""Where sessions are kept: memory, SQLite or Redis behind one small port (`sessions.stores.port`)."""
