"""Training and evaluation of the detector on simulator data. The service does not import this."""
