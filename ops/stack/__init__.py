"""The whole stack and its processes: `ugc up`, `api`, `etl`, `demo` and `doctor`."""
