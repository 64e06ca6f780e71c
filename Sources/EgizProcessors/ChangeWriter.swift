import EgizCore
import EgizTwin

/// The kind `history-writer` with `onlyChanges`: samples of leaves whose value differs from the one before, and at the first event
/// of a thing in each interval of partitions a sample of every leaf it has (rule 29). So a value that never changes does not leave
/// history with the partitions that are dropped, and whoever reads a stretch of time finds it not too far before.
final class ChangeWriter: StatefulProcessor {
    typealias State = ChangeState

    static let spec = HistoryWriter.spec
    static let mayRefuse = false

    /// Of a writer that records everything.
    private let recording: LeafRecording
    /// Microseconds.
    private let length: Int64
    private var buffer = ChangeBuffer()

    init(_ definition: ProcessorDefinition) throws(TopologyFaults) {
        let writer = try HistoryWriter(definition)
        recording = writer.recording
        length = HistoryRetention.partition(ofDays: writer.days)
    }

    func process(_ change: borrowing TwinChange, state: ChangeState, into effects: inout RecordEffects)
        throws(RecordFault)
    {
        // Event times are never before 1970.
        let interval = change.time.microseconds / length
        let isFirst = interval > state.interval ?? -1
        for leaf in change.leaves where (leaf.changed || isFirst) && recording.records(leaf.path, in: change.paths) {
            effects.append(leaf.path, leaf.value)
        }
        guard change.twin?.isAlive != false else {
            // All that comes after it is a change.
            state.interval = nil
            return
        }
        guard isFirst else { return }
        state.interval = interval
        guard let twin = change.twin else { return }
        buffer.removeAll()
        twin.leaves(change.paths, into: &buffer)
        let written = Set(change.leaves.map(\.path))
        for leaf in buffer.leaves where !written.contains(leaf.path) && recording.records(leaf.path, in: change.paths) {
            effects.append(leaf.path, leaf.value)
        }
    }
}

/// The last interval of which a thing has samples of all its leaves.
final class ChangeState: ProcessorState {
    static let version: UInt8 = 1

    /// Counted from 1970; nil: of none.
    var interval: Int64?

    init() {}

    init(from reader: inout StateReader, version: UInt8) throws(StateFault) {
        if try reader.bool() { interval = try reader.int64() }
    }

    func encode(into writer: inout StateWriter) {
        writer.write(interval != nil)
        if let interval { writer.write(interval) }
    }

    func copy() -> ChangeState {
        let copy = ChangeState()
        copy.interval = interval
        return copy
    }

    var isEmpty: Bool { interval == nil }
}
