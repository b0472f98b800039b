"""The command `landmarks`: one sub-command a pipeline step."""
