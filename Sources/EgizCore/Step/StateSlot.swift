import EgizTwin

/// One processor's state of one thing in the cache.
struct StateSlot {
    var state: any ProcessorState
    /// Of the bytes that the store has, or will have once the closed epochs are committed; nil: no row.
    var storedHash: Int?
    /// The open epoch has called the processor with it.
    var isTouched = false
    /// Bytes of the last snapshot.
    var size = 0

    /// Of one process: snapshots of unchanged states are not written again.
    static func hash(_ bytes: [UInt8]) -> Int {
        var hasher = Hasher()
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
        return hasher.finalize()
    }
}
