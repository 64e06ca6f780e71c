package import EgizCore

/// The records of one task that a desk has in hand. They leave the desk when the task is dropped or begins again: what is not
/// committed is read from the log again. Confined to the thread.
package final class TaskCalls {
    package var window: CallWindow
    let desk: CallDesk

    package init(desk: CallDesk, topics: Int) {
        self.desk = desk
        window = CallWindow(topics: topics)
    }

    deinit { desk.drop(window.open) }

    /// Takes a record of the task, unless it is in hand or done already (after a seek the client may hand out what it had fetched).
    package func take(_ record: CallRecord, _ mark: RecordMark, next: NextOffset?, at now: Duration) {
        let due = window.taken(of: record.topic) ?? next
        if let due, record.offset < due.raw { return }
        window.add(
            .init(number: desk.take(record, at: now), record: record, mark: mark, settlement: nil))
    }

    /// As new: for a task that begins again at its committed positions.
    func emptied() -> TaskCalls { TaskCalls(desk: desk, topics: window.topicCount) }
}
