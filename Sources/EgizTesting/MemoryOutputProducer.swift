public import EgizCore
public import EgizRuntime
import EgizTwin

/// A producer on a `MemoryLog`: a batch lands whole with its group offsets, or not at all.
final class MemoryOutputProducer: OutputProducer {
    private let log: MemoryLog
    private let transactionalID: String?
    private var epoch = 0

    init(log: MemoryLog, transactionalID: String?) {
        self.log = log
        self.transactionalID = transactionalID
    }

    func initialize() throws(EngineError) {
        try log.change { () throws(EngineError) in
            guard !log.isAway else { throw EngineError(.kafka, .backoff, "the broker is away") }
            guard let transactionalID else { return }
            log.producerEpochs[transactionalID, default: 0] += 1
            epoch = log.producerEpochs[transactionalID, default: 0]
        }
    }

    func publish(
        _ records: [OutputRecord], offsets: [TopicPartition: GroupOffset], as membership: any GroupMembership
    ) throws(EngineError) -> PublishOutcome {
        guard let membership = membership as? MemoryMembership else {
            throw EngineError(.bug, .stop, "a membership of another log")
        }
        return try log.change { () throws(EngineError) in
            guard !log.isAway else { throw EngineError(.kafka, .backoff, "the broker is away") }
            if let transactionalID, log.producerEpochs[transactionalID] != epoch { return .fenced }
            guard membership.isCurrentLocked else { return .outdated }
            log.publications += 1
            let accident = log.outputAccidents.isEmpty ? nil : log.outputAccidents.removeFirst()
            switch accident {
            case .fails: throw EngineError(.kafka, .backoff, "the transaction was aborted")
            case .refuses(let indices):
                var refused: [Int: EngineError] = [:]
                for index in indices where records.indices.contains(index) {
                    refused[index] = EngineError(
                        .kafka, .never, "the record is too large", detail: "MSG_SIZE_TOO_LARGE")
                }
                return .refused(refused)
            case .fences: return .fenced
            case .answerIsLost, nil: break
            }
            for record in records {
                if log.topics[record.topic] == nil { log.topics[record.topic] = [.init()] }
                _ = log.appendLocked(
                    record.topic, key: record.key, bytes: record.value, at: EventTime(microseconds: record.time),
                    partition: nil,
                    headers: record.headers + [.init(name: "egiz-id", value: Array(record.id.utf8))])
            }
            membership.writeLocked(offsets)
            if accident == .answerIsLost { throw EngineError(.kafka, .backoff, "the answer to the commit was lost") }
            return .published
        }
    }

    func close() {}
}

/// What happens to one attempt to publish.
public enum OutputAccident: Sendable, Equatable {
    /// Aborted; nothing landed.
    case fails
    /// It landed, and nobody learned of it. A real client never tells these apart by itself: its transaction coordinator does.
    case answerIsLost
    /// These records can never be written.
    case refuses([Int])
    /// Another producer has our transactional id.
    case fences
}

extension MemoryLog {
    /// What happens to the next attempts to publish, one each.
    public func planOutputs(_ accidents: [OutputAccident]) { change { outputAccidents += accidents } }

    /// How often a producer of this id was initialized, or fenced by whoever takes its tasks over.
    public func producerEpoch(_ transactionalID: String) -> Int { read { producerEpochs[transactionalID] ?? 0 } }

    /// Accidents that have not happened yet.
    public var plannedOutputs: Int { read { outputAccidents.count } }

    /// No more accidents.
    public func forgetOutputAccidents() { change { outputAccidents = [] } }

    /// How often anybody tried to publish.
    public var publishAttempts: Int { read { publications } }
}

/// Opens producers on one `MemoryLog`.
public struct MemoryOutputFactory: OutputProducerFactory {
    private let log: MemoryLog

    public init(log: MemoryLog) { self.log = log }

    public func openOutput(transactionalID: String?, properties: [String: String]) throws(EngineError)
        -> any OutputProducer
    {
        MemoryOutputProducer(log: log, transactionalID: transactionalID)
    }

    public func fence(transactionalID: String, properties: [String: String]) throws(EngineError) {
        let isBroken = log.change {
            defer { log.brokenFences = max(0, log.brokenFences - 1) }
            return log.brokenFences > 0
        }
        if isBroken { throw EngineError(.kafka, .backoff, "the coordinator did not answer") }
        let producer = MemoryOutputProducer(log: log, transactionalID: transactionalID)
        try producer.initialize()
    }

    public func largestRecord(properties: [String: String]) -> Int { 1_000_000 }
}
