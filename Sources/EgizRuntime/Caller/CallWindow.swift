import DequeModule
package import EgizCore

/// The records of one task that were taken from the log and are not in an epoch yet, in the order of each topic. What is done enters
/// epochs only as the contiguous prefix (rule 22): so the committed offset never passes a record under way, and results go out in
/// the order of the partition. Pure.
package struct CallWindow {
    package struct Slot {
        /// Of the record, rising within a topic.
        package var number: Int64
        package var record: CallRecord
        package var mark: RecordMark
        /// Nil while it is under way.
        package var settlement: CallSettlement?

        /// What it holds, in bytes: the record, and what goes out for it.
        var bytes: Int { record.size + (settlement?.outputs.reduce(0) { $0 + $1.size } ?? 0) }
    }

    /// By index of the topic.
    private var topics: [Deque<Slot>]
    /// Of all slots.
    package private(set) var bytes = 0

    package init(topics: Int) { self.topics = Array(repeating: [], count: topics) }

    var topicCount: Int { topics.count }

    package var isEmpty: Bool { topics.allSatisfy(\.isEmpty) }

    package var count: Int { topics.reduce(0) { $0 + $1.count } }

    /// The next offset to take from the log of that topic; nil where nothing is under way.
    package func taken(of topic: Int) -> NextOffset? {
        topics[topic].last.map { NextOffset(after: $0.record.offset) }
    }

    /// - Precondition: `number` is above those of the topic's records before it.
    package mutating func add(_ slot: Slot) {
        precondition(topics[slot.record.topic].last.map { $0.number < slot.number } ?? true, "numbers must rise")
        bytes += slot.bytes
        topics[slot.record.topic].append(slot)
    }

    /// Says what became of a record; false where it is none of ours, or done already.
    @discardableResult
    package mutating func settle(_ number: Int64, _ settlement: CallSettlement) -> Bool {
        for topic in topics.indices {
            guard let place = place(of: number, in: topics[topic]) else { continue }
            guard topics[topic][place].settlement == nil else { return false }
            bytes -= topics[topic][place].bytes
            topics[topic][place].settlement = settlement
            bytes += topics[topic][place].bytes
            return true
        }
        return false
    }

    /// The next record that may enter an epoch, which then leaves the window; nil where the first of every topic is under way.
    package mutating func next() -> Slot? {
        for topic in topics.indices where topics[topic].first?.settlement != nil {
            guard let slot = topics[topic].popFirst() else { continue }
            bytes -= slot.bytes
            return slot
        }
        return nil
    }

    /// The numbers of all records that are under way.
    package var open: [Int64] { topics.flatMap { $0.lazy.filter { $0.settlement == nil }.map(\.number) } }

    private func place(of number: Int64, in slots: Deque<Slot>) -> Int? {
        var (low, high) = (0, slots.count)
        while low < high {
            let middle = (low + high) / 2
            if slots[middle].number < number { low = middle + 1 } else { high = middle }
        }
        return low < slots.count && slots[low].number == number ? low : nil
    }
}
