"""`tamis repl`: expressions typed at a prompt, counted while they are typed, and what can be asked of the last one."""
