import EgizTwin
import HeapModule

/// The timers of one task in the order in which they fire, of which only the next ones are in memory: the rest stays in the store
/// and is loaded page by page. What uncommitted epochs have set or removed counts already.
struct TimerQueue {
    enum Next: Equatable {
        /// Nothing is due.
        case none
        case due(TaskTimer)
        /// Whether something is due is not known before the page after this timer is loaded (nil: the first page).
        case needsPage(after: TaskTimer?)
    }

    private struct Changes {
        var added: Set<TaskTimer> = []
        var removed: Set<TaskTimer> = []
        var isEmpty: Bool { added.isEmpty && removed.isEmpty }
    }

    /// In memory and not fired. The heap may still hold others, which are skipped.
    private var known: Set<TaskTimer> = []
    private var heap = Heap<TaskTimer>()
    /// Everything in the store up to here is in memory.
    private var horizon: TaskTimer?
    private var isComplete = false
    private var open = Changes()
    private var inFlight = Changes()
    /// Before this time nothing is due: what the last look found out, so that most records need none.
    private var quiet = EventTime(microseconds: .min)

    /// The first timer due at or before `time`.
    @inline(__always)
    mutating func next(through time: EventTime) -> Next { time < quiet ? .none : look(through: time) }

    private mutating func look(through time: EventTime) -> Next {
        while let first = heap.min, !known.contains(first) { heap.removeMin() }
        if let first = heap.min, first.due <= time {
            // One that is not loaded may come before it.
            if !isComplete, horizon.map({ $0 < first }) ?? true { return .needsPage(after: horizon) }
            return .due(first)
        }
        if !isComplete, horizon.map({ $0.due <= time }) ?? true { return .needsPage(after: horizon) }
        let never = EventTime(microseconds: .max)
        quiet = min(heap.min?.due ?? never, isComplete ? never : horizon?.due ?? never)
        return .none
    }

    /// A page that the store answered for `needsPage(after: horizon)`.
    mutating func install(_ page: [TaskTimer], isLast: Bool) {
        for timer in page where !open.removed.contains(timer) && !inFlight.removed.contains(timer) {
            insert(timer)
            // Set once more before it was known to be stored: no change of this epoch.
            open.added.remove(timer)
        }
        if let last = page.last { horizon = last }
        isComplete = isComplete || isLast
    }

    mutating func set(_ timer: TaskTimer) {
        guard !known.contains(timer) else { return }
        insert(timer)
        // An epoch removes first and sets then: a timer may be in both.
        open.added.insert(timer)
    }

    /// Takes a timer away because it fired or was cancelled.
    mutating func remove(_ timer: TaskTimer) {
        known.remove(timer)
        // Beyond the horizon the store may hold it although this epoch has set it once more.
        if open.added.remove(timer) == nil || mayBeStored(timer) { open.removed.insert(timer) }
    }

    /// The things of the timers in memory that are due, each once.
    func things(through time: EventTime) -> [ThingID] {
        var things: Set<ThingID> = []
        for timer in known where timer.due <= time { things.insert(timer.thing) }
        return Array(things)
    }

    var hasOpenChanges: Bool { !open.isEmpty }
    /// Of timers in memory.
    var count: Int { known.count }

    /// Ends the open epoch; nil where it changed nothing.
    mutating func close(_ task: TaskID) -> TimerChange? {
        guard !open.isEmpty else { return nil }
        let change = TimerChange(task: task, set: open.added.sorted(), removed: open.removed.sorted())
        inFlight = open
        open = Changes()
        return change
    }

    /// The closed epoch is committed: far timers that it set are in the store now and need no memory.
    mutating func committed() {
        if !isComplete {
            for timer in inFlight.added where mayBeStored(timer) && !open.added.contains(timer) {
                known.remove(timer)
            }
        }
        inFlight = Changes()
    }

    private func mayBeStored(_ timer: TaskTimer) -> Bool { !isComplete && horizon.map { $0 < timer } ?? true }

    private mutating func insert(_ timer: TaskTimer) {
        if known.insert(timer).inserted { heap.insert(timer) }
        quiet = min(quiet, timer.due)
    }
}
