"""How the bot is doing: measured, told to its operators, shown to machines; and who its operators are."""
