package import EgizCore

/// The records of one task that a desk has in hand. They leave the desk when the task is dropped or begins again: what is not
/// committed is read from the log again. Confined to the thread.
package final class TaskCalls {
    package private(set) var window: CallWindow
    let desk: CallDesk

    package init(desk: CallDesk, topics: Int) {
        self.desk = desk
        window = CallWindow(topics: topics)
    }

    deinit {
        desk.drop(window.open)
        desk.hold(-window.count, bytes: -window.bytes)
    }

    /// Takes a record of the task, unless it is in hand or done already (after a seek the client may hand out what it had fetched).
    package func take(_ record: CallRecord, _ mark: RecordMark, next: NextOffset?, at now: Duration) {
        let due = window.taken(of: record.topic) ?? next
        if let due, record.offset < due.raw { return }
        window.add(
            .init(number: desk.take(record, at: now), record: record, mark: mark, settlement: nil))
        desk.hold(1, bytes: record.size)
    }

    /// Says what became of a record.
    package func settle(_ number: Int64, _ settlement: CallSettlement) {
        let before = window.bytes
        window.settle(number, settlement)
        desk.hold(0, bytes: window.bytes - before)
    }

    /// The next record that may enter an epoch, which then is in hand no more.
    package func next() -> CallWindow.Slot? {
        guard let slot = window.next() else { return nil }
        desk.hold(-1, bytes: -slot.bytes)
        return slot
    }

    /// As new: for a task that begins again at its committed positions.
    func emptied() -> TaskCalls { TaskCalls(desk: desk, topics: window.topicCount) }
}
