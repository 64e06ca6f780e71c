public import EgizTwin

/// What the processors ask for while they see one record or timer; absorbed into the epoch when all of them accepted it, dropped
/// when one refused (rule 5). Reused from record to record.
public struct RecordEffects {
    public struct Sample {
        public var path: PathID
        public var value: LeafValue
    }

    /// A record for another topic, without what the step adds.
    struct Emission {
        var topic: String
        var key: [UInt8]?
        var value: [UInt8]?
        var headers: [DeadLetter.Header]
    }

    enum TimerRequest {
        case set(TaskTimer)
        case cancel(TaskTimer)
    }

    public private(set) var samples: [Sample] = []
    private(set) var emissions: [Emission] = []
    private(set) var timers: [TimerRequest] = []
    /// Samples that came too late for their window.
    private(set) var late: Int64 = 0
    /// Values of the scene that changed, alerts raised, values on which a rule failed.
    private(set) var rules = RuleCounts()
    /// The record is to be kept as a dead letter.
    private(set) var kept: KeptLetter?
    /// Events that a filter held back.
    private(set) var filtered: Int64 = 0
    /// Something was counted.
    private(set) var hasCounts = false
    /// Answers of models, in order.
    private(set) var predictions: [PredictionRow] = []
    /// Names of the source's topics, by their place, and the partition.
    var topics: [String] = []
    var partition: Int32 = 0
    /// Set by the step before it calls a processor.
    var processor = ""
    /// Whose record or timer the effects are of.
    public internal(set) var thing: ThingID?
    /// The largest record that Kafka takes (rule 12).
    var largestRecord = 1_000_000

    public init() {}

    /// Appends one sample of the record's thing at the record's event time.
    @inline(__always)
    public mutating func append(_ path: PathID, _ value: LeafValue) {
        samples.append(Sample(path: path, value: value))
    }

    /// Emits a record; it is in Kafka once, for readers of committed records, if and only if the epoch is committed. Without a key
    /// the thing's id is taken. Throws where it is larger than Kafka takes.
    public mutating func emit(
        to topic: String, key: [UInt8]? = nil, value: [UInt8]?, headers: [DeadLetter.Header] = []
    ) throws(RecordFault) {
        try emit(to: topic, exactly: key ?? thing.map { Array($0.text.utf8) }, value: value, headers: headers)
    }

    /// As above, with the key as it is: nil is a record without one.
    public mutating func emit(
        to topic: String, exactly key: [UInt8]?, value: [UInt8]?, headers: [DeadLetter.Header] = []
    ) throws(RecordFault) {
        var size = (key?.count ?? 0) + (value?.count ?? 0) + 256
        for header in headers { size += header.name.utf8.count + (header.value?.count ?? 0) + 8 }
        guard size <= largestRecord else {
            throw RecordFault(
                code: "output-size",
                message:
                    "a record of \(size) bytes for \(topic) is larger than the \(largestRecord) that Kafka takes (message.max.bytes)"
            )
        }
        emissions.append(Emission(topic: topic, key: key, value: value, headers: headers))
    }

    /// Wants the processor to be called for this thing when stream time reaches `due`; setting it again changes nothing. A time
    /// that has passed fires before the next record.
    public mutating func setTimer(at due: EventTime) {
        guard let thing else { return }
        timers.append(.set(TaskTimer(due: due, processor: processor, thing: thing)))
    }

    public mutating func cancelTimer(at due: EventTime) {
        guard let thing else { return }
        timers.append(.cancel(TaskTimer(due: due, processor: processor, thing: thing)))
    }

    /// The position of a record, from what its change said of it.
    public func position(topic: Int, offset: Int64) -> InputPosition? {
        guard offset >= 0, topics.indices.contains(topic) else { return nil }
        return InputPosition(topic: topics[topic], partition: partition, offset: offset)
    }

    /// Writes what a model says of a thing now; the last one of its key stays.
    public mutating func upsert(_ row: PredictionRow) { predictions.append(row) }

    /// Keeps the record among the dead letters; its other effects stay. Only of a `RecordProcessor`.
    public mutating func keep(_ letter: KeptLetter) {
        kept = letter
        hasCounts = true
    }

    /// Counts a record that was skipped because it is kept already.
    public mutating func countSkipped() {
        filtered += 1
        hasCounts = true
    }

    /// Counts a question to a model that was written.
    public mutating func countQuestion() {
        rules.questions += 1
        hasCounts = true
    }

    /// Counts a value of the scene that changed.
    public mutating func countBinding() {
        rules.bindings += 1
        hasCounts = true
    }

    /// Counts an alert that was raised.
    public mutating func countAlert() {
        rules.alerts += 1
        hasCounts = true
    }

    /// Counts a value on which a binding or a rule failed: of the wrong kind, or one that cannot be calculated with.
    public mutating func countRuleError() {
        rules.errors += 1
        hasCounts = true
    }

    /// Counts a sample that came too late for its window.
    public mutating func countLate() {
        late += 1
        hasCounts = true
    }

    /// Counts an event that a processor did not pass on.
    mutating func countFiltered() {
        filtered += 1
        hasCounts = true
    }

    public mutating func removeAll() {
        if !samples.isEmpty { samples.removeAll(keepingCapacity: true) }
        if emissions.count == 1 {
            emissions.removeLast()
        } else if !emissions.isEmpty {
            emissions.removeAll(keepingCapacity: true)
        }
        if !timers.isEmpty { timers.removeAll(keepingCapacity: true) }
        if !predictions.isEmpty { predictions.removeAll(keepingCapacity: true) }
        guard hasCounts else { return }
        late = 0
        filtered = 0
        kept = nil
        rules = RuleCounts()
        hasCounts = false
    }

    struct RuleCounts {
        var bindings: Int64 = 0
        var alerts: Int64 = 0
        var errors: Int64 = 0
        var questions: Int64 = 0
    }
}
