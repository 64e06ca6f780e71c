import EgizCore
import EgizRuntime
import Synchronization
import Testing

@testable import EgizHTTP

/// A log of notifications in memory, which tests write.
final class MemoryTail: LogTail {
    private struct State {
        var batch = TailBatch(log: "log-1")
        var next: [TopicPartition: Int64] = [:]
        var written: [TailBatch.Record] = []
        var isClosed = false
        var waiting: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    init() {
        state.withLock { state in
            state.batch.isNewLog = true
            for topic in ["twin", "alert"] {
                state.batch.started[TopicPartition(LiveFixture.prefix + topic, 0)] = NextOffset(stored: 0)
            }
        }
    }

    /// Appends a record; its offset is the next of its topic.
    func write(_ topic: String, _ value: String, key: String? = "t:a", prefix: String = LiveFixture.prefix) {
        change { state in
            let partition = TopicPartition(prefix + topic, 0)
            let offset = state.next[partition, default: 0]
            state.next[partition] = offset + 1
            var record = LiveFixture.record(topic, offset, value, key: key)
            record.partition = partition
            state.batch.records.append(record)
            state.written.append(record)
            state.batch.positions[partition] = NextOffset(after: offset)
        }
    }

    /// A change of a thing whose input is the record of that offset.
    func change(_ offset: Int64, _ path: String, _ value: String, thing: String = "t:a") {
        write(
            "twin",
            #"{"thingId":"\#(thing)","change":"changed","revision":\#(offset),"time":"1970-01-01T00:00:01Z","cause":{"topic":"twins","partition":0,"offset":\#(offset)},"changes":[{"path":"\#(path)","value":\#(value)}]}"#,
            key: thing)
    }

    /// What is written so far was there before anybody read.
    ///
    /// - Parameter missing: records of each topic that were there as well, and are written afterwards.
    func endPast(missing: Int64 = 0) {
        change { state in
            for (partition, next) in state.next { state.batch.ends[partition] = NextOffset(stored: next + missing) }
        }
    }

    /// The log is another one from here on, and empty.
    func restart(_ name: String) {
        change { state in
            state.batch = TailBatch(log: name)
            state.batch.isNewLog = true
            (state.next, state.written) = ([:], [])
        }
    }

    /// Where a client is that has the records of twins before an offset.
    func token(at offset: Int64, sight: UInt64 = LiveFixture.admin.sight) throws -> LiveToken {
        let partition = TopicPartition(LiveFixture.prefix + "twin", 0)
        var history = LiveHistory(mostItems: 1000, mostBytes: 1 << 20)
        let (log, written) = state.withLock { ($0.batch.log, $0.written) }
        history.restart(log: log)
        history.start(partition, at: 0)
        for record in written where record.partition == partition { history.append(LiveFixture.item(record)) }
        var token = try #require(history.token(at: [partition: offset]))
        token.sight = sight
        return token
    }

    private func change(_ body: (inout State) -> Void) {
        let waiting = state.withLock { state -> CheckedContinuation<Void, Never>? in
            body(&state)
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume()
    }

    func next(limit: Int, wait: Duration) async throws -> TailBatch {
        let waiting = Task {
            try await Task.sleep(for: wait)
            change { _ in }
        }
        defer { waiting.cancel() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let goes = state.withLock { state -> Bool in
                    let hasSome =
                        !state.batch.records.isEmpty || state.batch.isNewLog || state.isClosed || Task.isCancelled
                    if !hasSome { state.waiting = continuation }
                    return hasSome
                }
                if goes { continuation.resume() }
            }
        } onCancel: {
            change { _ in }
        }
        try Task.checkCancellation()
        return state.withLock { state in
            defer { state.batch = TailBatch(log: state.batch.log) }
            return state.batch
        }
    }

    func close() async { change { $0.isClosed = true } }
}
