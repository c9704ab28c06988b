"""HTTP load whose latencies can be believed.

An open loop sends by a schedule, whatever the server does, and counts each latency from the time at which
the request was due; a closed loop sends the next request when the last one is answered, and measures
throughput. Nothing of the tail is lost: a failed request counts as one that never came back.
"""
