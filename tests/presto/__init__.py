"""Named queries on a real Presto: `make test-presto`. No part of `make test`."""
