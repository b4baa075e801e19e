"""The SQLite store: one file, one connection, one thread.

Split by noun, each a module of functions on a connection: `polling` (sources, cursors, what is known), `committing`
(what a poll writes), `delivering` (rows on their way), `chats` (names and moves), `people` (what chats follow),
`archive` (looking back). `store` makes them the methods of one class; `opening` and `writer` keep the connection.
"""
