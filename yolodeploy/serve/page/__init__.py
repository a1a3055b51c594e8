"""The page at `/`: `index.html`, its style and its scripts, which are sent as one document."""
