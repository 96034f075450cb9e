"""Everything that speaks with Kafka: reading, sending, topics, dead letters on their way."""
