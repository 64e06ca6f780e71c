"""The anomaly detector: features, artifact, backends. Nothing here knows of HTTP."""
