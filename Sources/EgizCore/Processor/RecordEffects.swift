public import EgizTwin

/// What the processors ask for while they see one record; absorbed into the epoch when all of them accepted it, dropped when
/// one refused (rule 5). Reused from record to record.
public struct RecordEffects {
    public struct Sample {
        public var path: PathID
        public var value: LeafValue
    }

    public private(set) var samples: [Sample] = []

    public init() {}

    /// Appends one sample of the record's thing at the record's event time.
    @inline(__always)
    public mutating func append(_ path: PathID, _ value: LeafValue) {
        samples.append(Sample(path: path, value: value))
    }

    public mutating func removeAll() { samples.removeAll(keepingCapacity: true) }
}
