extension Duration {
    /// Whole milliseconds for librdkafka's `int timeout_ms`: rounded up, so that a short wait is never a spin, and clamped.
    var milliseconds32: Int32 {
        let (seconds, attoseconds) = components
        if seconds < 0 || attoseconds < 0 { return 0 }
        if seconds >= 2_000_000 { return 2_000_000_000 }
        return Int32(seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
