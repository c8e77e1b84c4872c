"""From a path that shows a finding to what a person reads of it: shortened, told, drawn, stepped through."""
