"""The frame every bench hangs its figures on: how a run is taken, judged, stored and compared."""
