"""Who may send and who may ask: keys, signed tokens, scopes, and the gate that holds requests to them."""
