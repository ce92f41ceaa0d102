"""The receipt of a completed movement: by API, in the console, on paper."""
