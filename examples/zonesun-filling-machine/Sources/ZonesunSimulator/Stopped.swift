/// Thrown by a sink that was waiting when the stop came.
struct Stopped: Error {}
