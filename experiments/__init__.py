"""The bundled experiments: one YAML document each, one idea each; the folder is the table."""
