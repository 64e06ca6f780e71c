import DequeModule
package import EgizCore
package import EgizTwin

/// Which calls are to be made when, and what their answers mean for the records: batches, retries, shadows, and what is poison. How
/// many may be under way, breakers and rates are the gate's, which the plans of a stage share. Pure: times count from any origin,
/// and what is random comes from a seed.
package struct CallPlan {
    /// A call to be made.
    package struct Call: Sendable {
        package var id: Int64
        package var lane: Int
        /// Empty: it asks for the health of the lane.
        package var items: [CallItem]
    }

    /// A record of which all that is to be known is known.
    package struct Done {
        package var item: CallItem
        /// One for each lane.
        package var replies: [CallReply]
        package var isStale: Bool
    }

    /// A batch as it was cut; a retry asks about the same records in the same order.
    struct Batch {
        var id: Int64
        var numbers: [Int64]
        /// Of its only record, where order is kept.
        var key: [UInt8]?
        var attempts = 0
        /// How many of them failed in a way that may be the records' fault; what follows tells of these alone.
        var suspected = 0
        var notBefore: Duration = .zero
        /// Calls of the lane that were answered when this one failed first, or was met with silence last.
        var answeredBefore: Int64?
        /// When it failed first.
        var failingSince: Duration?
        /// When it failed last.
        var failedAt: Duration?
        /// Since when a gateway refuses it while others are answered between any two tries, and calls of the lane that were answered
        /// when it did so last.
        var gatewaySince: Duration?
        var gatewayAnswered: Int64?
    }

    struct Lane {
        var pending: Deque<Int64> = []
        var retries: [Batch] = []
        var inFlight: [Int64: Batch] = [:]
        /// Keys with a batch under way or waiting to be tried again, where order is kept.
        var busy: Set<[UInt8]> = []
        /// Why the last call failed; nil once one is answered.
        var lastFault: CallFault?
        var check = Check()
    }

    struct Entry {
        var item: CallItem
        var replies: [CallReply?]
        var since: Duration
        /// When the first lane was done.
        var decidedAt: Duration?
        var isStale = false
        /// Somebody wants it to be asked although it is old: a dead letter that is tried again.
        var isRetry = false
    }

    let policy: CallPolicy
    let definitions: [CallLane]
    /// What the gate calls it.
    let desk: Int
    var lanes: [Lane]
    /// By number.
    var entries: [Int64: Entry] = [:]
    var done: [Done] = []
    private var nextBatch: Int64 = 1
    private var random: UInt64
    /// Of each partition the time of the newest record that was read, and the last one's offset.
    private var newest: [TopicPartition: (time: Int64, offset: Int64)] = [:]
    /// Times of records are what their producers say: what is further ahead of the clock does not make others old.
    private static let mostAhead: Int64 = 60_000_000
    /// Something has come, or come back, since records were last looked at for their age.
    var mayBeStale = false
    /// Records that are not done, and their bytes.
    package private(set) var openItems = 0
    package private(set) var openBytes = 0

    package init(policy: CallPolicy, lanes: [CallLane], seed: UInt64, desk: Int = 0) {
        precondition(!lanes.isEmpty && !lanes[0].isShadow, "a caller has a lane that decides")
        precondition(!policy.keepsOrder || policy.batchSize == 1, "order is kept for calls about one record")
        self.policy = policy
        definitions = lanes
        random = seed
        self.desk = desk
        self.lanes = lanes.map { _ in Lane() }
    }

    /// No more records should be taken in.
    package var isFull: Bool { openItems >= policy.maxOpen || openBytes >= policy.maxOpenBytes }

    /// Why the lane that decides gives no answers, or says that it is not well; nil while it does.
    package var trouble: CallFault? { lanes[0].lastFault ?? lanes[0].check.illness }

    // MARK: Records

    /// - Parameter wallClock: which bounds what the record says of its time.
    package mutating func add(_ item: CallItem, at now: Duration, wallClock: EventTime) {
        entries[item.number] = Entry(
            item: item, replies: Array(repeating: nil, count: lanes.count), since: now, isRetry: item.record.isRetry)
        openItems += 1
        openBytes += item.record.size
        for lane in lanes.indices { lanes[lane].pending.append(item.number) }
        let place = TopicPartition(item.record.topicName, item.record.partition)
        note(item.record, of: place, wallClock)
        mayBeStale = true
    }

    private mutating func note(_ record: CallRecord, of place: TopicPartition, _ wallClock: EventTime) {
        let time = min(record.time.microseconds, wallClock.advanced(byMicroseconds: Self.mostAhead).microseconds)
        if let known = newest[place], known.offset < record.offset {
            newest[place] = (max(known.time, time), record.offset)
        } else {
            // The partition is read from an earlier place again: what came behind it is to come once more.
            newest[place] = (time, record.offset)
        }
    }

    /// These records are nobody's any more: no call is begun for them, answers that still come are dropped.
    package mutating func drop(_ numbers: [Int64]) {
        for number in numbers { remove(number) }
    }

    /// The record is taken in and not done.
    package func holds(_ number: Int64) -> Bool { entries[number] != nil }

    private mutating func remove(_ number: Int64) {
        guard let entry = entries.removeValue(forKey: number) else { return }
        openItems -= 1
        openBytes -= entry.item.record.size
    }

    /// What has become known since the last call.
    package mutating func takeDone() -> [Done] {
        defer { done.removeAll(keepingCapacity: true) }
        return done
    }

    /// A lane has its answer to a record.
    mutating func reply(_ number: Int64, lane: Int, _ reply: CallReply, at now: Duration) {
        guard var entry = entries[number], entry.replies[lane] == nil else { return }
        entry.replies[lane] = reply
        if lane == 0 { entry.decidedAt = now }
        entries[number] = entry
        finishIfDecided(number, at: now)
    }

    private mutating func finishIfDecided(_ number: Int64, at now: Duration) {
        guard let entry = entries[number], let decided = entry.decidedAt else { return }
        let isWaiting = entry.replies.contains { $0 == nil }
        guard !isWaiting || entry.isStale || now >= decided + policy.shadowWait else { return }
        let missing = CallReply(
            .failed(CallFault("shadow-late", "no answer when the first model's was there")), attempts: 0, latency: .zero
        )
        done.append(
            Done(item: entry.item, replies: entry.replies.map { $0 ?? missing }, isStale: entry.isStale))
        remove(number)
    }

    // MARK: Time

    /// Gives up what has waited too long: stale records that no call is under way for, and shadows that are late.
    package mutating func expire(at now: Duration, _ gate: CallGate) {
        if lanes.count > 1 {
            skipClosedShadows(at: now, gate)
            for number in entries.filter({ $0.value.decidedAt != nil }).keys.sorted() {
                finishIfDecided(number, at: now)
            }
        }
        guard let maxAge = policy.maxAge, mayBeStale else { return }
        mayBeStale = false
        let called = Set(lanes[0].inFlight.values.flatMap(\.numbers))
        for number in entries.keys.sorted() where !called.contains(number) {
            guard let entry = entries[number], entry.decidedAt == nil, !entry.isRetry else { continue }
            let place = TopicPartition(entry.item.record.topicName, entry.item.record.partition)
            let age = (newest[place]?.time ?? .min).subtractingReportingOverflow(entry.item.record.time.microseconds)
            guard !age.overflow, age.partialValue > maxAge else { continue }
            entries[number]?.isStale = true
            let fault = CallFault("stale", "newer records came while it waited; it is older than maxAge")
            reply(number, lane: 0, CallReply(.failed(fault), attempts: 0, latency: .zero), at: now)
        }
    }

    /// A shadow that is not there is not waited for.
    private mutating func skipClosedShadows(at now: Duration, _ gate: CallGate) {
        for lane in lanes.indices where definitions[lane].isShadow && !gate.lanes[lane].breaker.admits(at: now) {
            let fault = CallFault("shadow-away", "the model has failed too often and is left alone for a while")
            let waiting = Array(lanes[lane].pending)
            lanes[lane].pending.removeAll(keepingCapacity: true)
            for number in waiting {
                reply(number, lane: lane, CallReply(.failed(fault), attempts: 0, latency: .zero), at: now)
            }
        }
    }

    /// When to look again, beside answers; nil: only they matter.
    package mutating func wake(at now: Duration, through gate: inout CallGate) -> Duration? {
        var times: [Duration] = []
        for lane in lanes.indices where gate.hasRoom(lane) {
            let hasWork = !lanes[lane].retries.isEmpty || !lanes[lane].pending.isEmpty
            guard hasWork else { continue }
            let start = gate.opens(lane: lane, at: now)
            if lanes[lane].check.isWanted { times.append(start) }
            var work = lanes[lane].retries.map(\.notBefore)
            if let first = lanes[lane].pending.first(where: { entries[$0] != nil }), let entry = entries[first] {
                work.append(entry.since + policy.batchDelay)
            }
            if let first = work.min() { times.append(max(start, first)) }
        }
        if lanes.count > 1, let decided = entries.values.compactMap(\.decidedAt).min() {
            times.append(decided + policy.shadowWait)
        }
        return times.min()
    }

    // MARK: Numbers

    mutating func batchNumber() -> Int64 {
        defer { nextBatch += 1 }
        return nextBatch
    }

    /// From 0.5 to 1 (SplitMix64).
    mutating func jitter() -> Double {
        random &+= 0x9E37_79B9_7F4A_7C15
        var z = random
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return 0.5 + Double((z ^ (z >> 31)) >> 11) * 0x1p-54
    }
}
