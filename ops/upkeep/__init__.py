"""What broker and warehouse must hold, and lose in time: `ugc migrate`, `rollup` and `janitor`."""
