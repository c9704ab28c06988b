"""Whether a warehouse answers on this machine's loopback; for whoever started it."""

import http.client

TIMEOUT_S = 2.0


def serves(port: int) -> bool:
    """True when /ping says so. Never raises."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
