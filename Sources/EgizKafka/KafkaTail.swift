import Dispatch
public import EgizCore
public import EgizRuntime
public import Logging

/// A `LogTail` on librdkafka: one consumer without a group, assigned to every partition of the topics with certain prefixes.
///
/// Reads committed transactions only. Begins up to `behind` records before the end of each partition, so that a process that starts anew
/// has something for those who come back. Topics that appear later are found within ten seconds.
///
/// Unchecked: everything mutable is touched on `queue` alone, which blocks in librdkafka.
public final class KafkaTail: LogTail, @unchecked Sendable {
    private let queue = DispatchQueue(label: "egiz.tail")
    private let properties: [String: String]
    private let prefixes: [String]
    private let behind: Int64
    private let lookInterval: Duration
    private let log: Logger
    private var session: TailSession?
    private var isClosed = false

    /// - Parameters:
    ///   - prefixes: of the names of the topics.
    ///   - behind: records before the end at which reading of a partition begins.
    ///   - lookInterval: How often it looks for topics that appeared.
    ///   - properties: librdkafka's own; they win over our defaults. Errors: `.config`/`.stop`.
    public init(
        brokers: String, properties: [String: String], prefixes: [String], behind: Int,
        lookInterval: Duration = .seconds(10), log: Logger
    ) throws(EngineError) {
        var defaults = KafkaDefaults.consumer(brokers: brokers, group: "egiz.tail")
        defaults["queued.min.messages"] = "10000"
        defaults["queued.max.messages.kbytes"] = "16384"
        self.properties = try KafkaDefaults.merge(defaults, properties)
        self.prefixes = prefixes
        self.behind = Int64(behind)
        self.lookInterval = lookInterval
        self.log = log
    }

    public func next(limit: Int, wait: Duration) async throws -> TailBatch {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { [self] in continuation.resume(with: Result { try read(limit, wait) }) }
        }
    }

    public func close() async {
        await withCheckedContinuation { continuation in
            queue.async { [self] in
                isClosed = true
                session = nil
                continuation.resume()
            }
        }
    }

    private func read(_ limit: Int, _ wait: Duration) throws -> TailBatch {
        if isClosed { throw EngineError(.bug, .stop, "the tail of the log was used after close()") }
        let session =
            try self.session
            ?? TailSession(
                properties: properties, prefixes: prefixes, behind: behind, lookInterval: lookInterval, log: log)
        self.session = session
        do throws(EngineError) {
            return try session.next(limit: limit, wait: wait)
        } catch {
            // Another log answers, or records that were to come are gone: begin anew, and say so.
            if error.retry != .backoff || session.isLost { self.session = nil }
            if error.retry == .stop, error.code != .gap { throw error }
            throw EngineError(.kafka, .backoff, error.message, detail: error.detail)
        }
    }
}
