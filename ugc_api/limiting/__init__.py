"""How much one sender may send: buckets of events, shared by every worker of a host."""
