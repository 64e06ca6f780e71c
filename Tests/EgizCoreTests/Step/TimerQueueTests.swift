import EgizTwin
import TestSupport
import Testing

@testable import EgizCore

/// Rule 16: timers fire in due order, whatever is in memory and whatever is committed.
@Suite struct TimerQueueTests {
    let task = TaskID(stage: StageName(topology: "t", source: "s"), partition: 0)

    func timer(_ due: Int64, _ thing: Int = 0, _ processor: String = "p") throws -> TaskTimer {
        TaskTimer(
            due: EventTime(microseconds: due), processor: processor, thing: try ThingID(validating: "t:m\(thing)"))
    }

    @Test(arguments: 0..<40)
    func whatFiresEqualsASortedSetThatHoldsEverything(_ seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let page = Int.random(in: 1...5, using: &random)
        var stored: Set<TaskTimer> = []
        for _ in 0..<Int.random(in: 0...30, using: &random) {
            stored.insert(try timer(Int64.random(in: 0..<200, using: &random), Int.random(in: 0..<4, using: &random)))
        }
        var model = stored
        var queue = TimerQueue()
        var inFlight: TimerChange?
        var now: Int64 = 0
        for _ in 0..<300 {
            switch Int.random(in: 0..<7, using: &random) {
            case 0, 1:
                let new = try timer(
                    now + Int64.random(in: -5..<80, using: &random), Int.random(in: 0..<4, using: &random))
                queue.set(new)
                model.insert(new)
            case 2:
                if let gone = model.sorted().randomElement(using: &random) {
                    queue.remove(gone)
                    model.remove(gone)
                }
            case 3:
                if inFlight == nil { inFlight = queue.close(task) }
            case 4:
                if let landed = inFlight {
                    stored.subtract(landed.removed)
                    stored.formUnion(landed.set)
                    queue.committed()
                    inFlight = nil
                }
            default:
                now += Int64.random(in: 0..<10, using: &random)
                var fired: [TaskTimer] = []
                loop: while true {
                    switch queue.next(through: EventTime(microseconds: now)) {
                    case .none: break loop
                    case .due(let next):
                        fired.append(next)
                        queue.remove(next)
                    case .needsPage(let after):
                        let rest = stored.sorted().filter { timer in after.map { $0 < timer } ?? true }
                        queue.install(Array(rest.prefix(page)), isLast: rest.count <= page)
                    }
                }
                let expected = model.filter { $0.due.microseconds <= now }.sorted()
                #expect(fired == expected)
                model.subtract(expected)
            }
        }
        if let landed = inFlight {
            stored.subtract(landed.removed)
            stored.formUnion(landed.set)
            queue.committed()
        }
        if let rest = queue.close(task) {
            stored.subtract(rest.removed)
            stored.formUnion(rest.set)
        }
        #expect(stored == model, "what the epochs stored is what is left")
    }

    @Test func farTimersOfCommittedEpochsTakeNoMemory() throws {
        var queue = TimerQueue()
        queue.install([try timer(1), try timer(2)], isLast: false)
        for n in 0..<1000 { queue.set(try timer(1000 + Int64(n))) }
        #expect(queue.count == 1002)
        _ = queue.close(task)
        queue.committed()
        #expect(queue.count == 2)
        #expect(queue.next(through: EventTime(microseconds: 3)) == .due(try timer(1)))
    }

    @Test func aTimerThatIsSetAndRemovedInOneEpochLeavesNoTrace() throws {
        var queue = TimerQueue()
        queue.install([], isLast: true)
        queue.set(try timer(5))
        queue.remove(try timer(5))
        #expect(queue.close(task) == nil)
    }
}

extension TimerQueueTests {
    /// What is stored after an epoch that did `body` to a timer far beyond what is in memory.
    private func stored(before: Set<TaskTimer>, _ body: (inout TimerQueue) -> Void) throws -> Set<TaskTimer> {
        var queue = TimerQueue()
        queue.install([try timer(1)], isLast: false)
        body(&queue)
        var stored = before
        if let change = queue.close(task) {
            // An epoch removes first and sets then.
            stored.subtract(change.removed)
            stored.formUnion(change.set)
        }
        return stored
    }

    @Test(arguments: [true, false])
    func aTimerThatIsCancelledAndSetAgainStaysWhetherItWasStoredOrNot(_ isStored: Bool) throws {
        let far = try timer(500)
        let after = try stored(before: isStored ? [far] : []) { queue in
            queue.remove(far)
            queue.set(far)
        }
        #expect(after == [far])
    }

    @Test(arguments: [true, false])
    func aTimerThatIsSetAgainAndCancelledGoesWhetherItWasStoredOrNot(_ isStored: Bool) throws {
        let far = try timer(500)
        let after = try stored(before: isStored ? [far] : []) { queue in
            queue.set(far)
            queue.remove(far)
        }
        #expect(after.isEmpty)
    }
}
