public import EgizCore
import EgizTwin

/// What a prediction-writer remembers of one partition: the last answers about those things, of a task's model, whose question went
/// unanswered once. Such a question may be asked again much later (`egiz dlq redrive`), and then its answer is old.
///
/// Empty as long as every question is answered: answers come in the order of the questions.
public final class AnswerMemory: ProcessorState {
    public static let version: UInt8 = 1
    /// Of more than so many the first are forgotten: an old answer about these would count as a new one.
    static let most = 1024

    struct Entry: Equatable {
        /// Fingerprint of the row's key.
        var key: UInt64
        var revision: Int64
        var time: EventTime
    }

    private(set) var entries: [Entry] = []

    public init() {}

    public init(from reader: inout StateReader, version: UInt8) throws(StateFault) {
        for _ in 0..<(try reader.count()) {
            let key = UInt64(bitPattern: try reader.int64())
            let revision = try reader.int64()
            entries.append(
                Entry(key: key, revision: revision, time: EventTime(microseconds: try reader.int64())))
        }
    }

    public func encode(into writer: inout StateWriter) {
        writer.write(count: entries.count)
        for entry in entries {
            writer.write(Int64(bitPattern: entry.key))
            writer.write(entry.revision)
            writer.write(entry.time.microseconds)
        }
    }

    public func copy() -> AnswerMemory {
        let copy = AnswerMemory()
        copy.entries = entries
        return copy
    }

    public var isEmpty: Bool { entries.isEmpty }

    /// Takes an answer in; false where a later question about the thing is answered already.
    func isNews(_ row: PredictionRow) -> Bool {
        // The usual case, which costs nothing.
        if entries.isEmpty, row.error == nil { return true }
        var hash = Fingerprint()
        hash.combine(row.key.thing.text)
        hash.combine(row.key.task)
        hash.combine(row.key.model)
        let place = entries.firstIndex { $0.key == hash.value }
        let new = Entry(key: hash.value, revision: row.revision, time: row.time)
        guard row.error == nil else {
            if place == nil { remember(new) }
            return true
        }
        guard let place else { return true }
        guard !row.isOlder(thanRevision: entries[place].revision, time: entries[place].time) else { return false }
        entries[place] = new
        return true
    }

    private func remember(_ entry: Entry) {
        if entries.count >= Self.most { entries.removeFirst() }
        entries.append(entry)
    }
}
