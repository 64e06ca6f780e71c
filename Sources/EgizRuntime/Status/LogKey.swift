/// The metadata keys of every log line, in one place.
enum LogKey {
    static let topology = "egiz.topology"
    static let stage = "egiz.stage"
    static let thread = "egiz.thread"
    static let partitions = "egiz.partitions"
    static let partition = "egiz.partition"
    static let offset = "egiz.offset"
    static let topic = "egiz.topic"
    static let error = "egiz.error"
    static let attempts = "egiz.attempts"
    static let records = "egiz.records"
    static let version = "egiz.version"
    static let reason = "egiz.reason"
    static let previousOwner = "egiz.previous-owner"
}
