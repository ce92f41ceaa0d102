"""Reading the bank as a whole: the lake of Parquet files, and named queries."""
