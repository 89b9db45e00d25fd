"""The bus on Apache Kafka: events leave the outbox for their topics, and sources bring them to the functions."""
