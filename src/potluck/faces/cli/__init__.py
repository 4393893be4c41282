"""The command line: one module per family of commands.

Here lives: commands, their words and exit codes. Not here: what is drawn while it changes (faces).
Law: thin. A command asks the local API and prints the answer; heavy libraries are imported inside
the command that needs them, so that `potluck status` answers at once. Every prompt has a flag and
every view `--json`.
"""
