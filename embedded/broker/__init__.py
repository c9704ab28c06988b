"""A real Apache Kafka, one node, from checked jars on a packaged java: no Docker, Java or Maven needed."""
