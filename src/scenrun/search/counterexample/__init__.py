"""From a path that shows a finding to what a person reads of it: shortened, explained, as a table, as frames of a player."""
