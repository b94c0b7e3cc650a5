"""Files in and out: reading CSV, NDJSON and Parquet into typed batches, writing members out again."""
