"""Result files of load tests, as the tools write them: one record for a run, whatever the tool calls its numbers."""
