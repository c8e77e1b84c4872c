"""The language of scenario files: reading YAML, expressions and templates, the models of a file, and its JSON Schema."""
