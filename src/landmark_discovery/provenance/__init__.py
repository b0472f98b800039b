"""What made a result: code, configuration, software, machine and inputs, as a record and as a research object crate."""
