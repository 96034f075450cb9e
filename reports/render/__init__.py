"""From values and words to what people see: tables and sentences, then one module per medium."""
