package import EgizCore
import EgizTwin

/// The calls of one thread: takes records, makes calls through the transport, and says what became of each record. Confined to the
/// thread; only the completions of calls come from elsewhere. Times count from any origin.
package final class CallDesk {
    /// What became of a record that was taken.
    package struct Settled {
        package var number: Int64
        package var partition: Int32
        package var settlement: CallSettlement
    }

    private struct UnderWay {
        var lane: Int
        var items: [CallItem]
        var since: Duration
        var handle: (any CallHandle)?
        /// None of its records is ours any more.
        var isDropped = false
    }

    /// How often somebody who was not well is asked again, while there is nothing else to ask him.
    private static let healthPause: Duration = .seconds(15)
    private static let healthTimeout: Duration = .seconds(5)

    /// The processor, as the topology calls it.
    package let name: String
    private let caller: any Caller
    private let transport: any CallTransport
    private let tools: @Sendable () -> CallTools
    private let mailbox = CallMailbox()
    private let metrics: CallMetrics?
    private let gate: SharedCallGate
    /// What the gate calls this desk.
    private let place: Int
    private var plan: CallPlan
    private var underWay: [Int64: UnderWay] = [:]
    /// Lanes whose health is asked for, by call.
    private var health: [Int64: Int] = [:]
    private var nextHealth: Duration?
    private var settled: [Settled] = []
    /// What tasks have in hand, and its bytes with what is to go out: under way, or done behind a record that is not.
    package private(set) var heldItems = 0
    package private(set) var heldBytes = 0
    private var nextNumber: Int64 = 1

    /// - Parameter gate: which the desks of the stage share. - Parameter seed: of the jitter.
    package init(
        name: String, caller: any Caller, transport: any CallTransport, stage: StageName, gate: SharedCallGate,
        seed: UInt64, countsMetrics: Bool = true, tools: @escaping @Sendable () -> CallTools
    ) {
        self.name = name
        self.caller = caller
        self.transport = transport
        self.tools = tools
        metrics = countsMetrics ? CallMetrics(stage: stage, lanes: caller.lanes) : nil
        self.gate = gate
        place = gate.join(caller.policy, lanes: caller.lanes.count)
        plan = CallPlan(policy: caller.policy, lanes: caller.lanes, seed: seed, desk: place)
    }

    // Nobody waits for what is under way.
    deinit {
        for call in underWay.values { call.handle?.cancel() }
        let place = place
        gate.with { $0.leave(place) }
    }

    /// How much may be done behind records that are not: so often what may be under way.
    private static let windows = 4

    package var isFull: Bool {
        plan.isFull || heldItems >= Self.windows * caller.policy.maxOpen
            || heldBytes >= Self.windows * caller.policy.maxOpenBytes
    }

    /// A task has so much more in hand.
    func hold(_ items: Int, bytes: Int) {
        heldItems += items
        heldBytes += bytes
    }

    /// The first desk of its stage in the worker.
    package var isFirst: Bool { place == 0 }

    /// Why whom it asks gives no answers, or says that he is not well; nil while he does.
    package var trouble: CallFault? { plan.trouble }

    package var openItems: Int { plan.openItems }

    /// Takes a record in and says what it is called. What needs no call is settled with the next `turn`.
    package func take(_ record: CallRecord, at now: Duration) -> Int64 {
        let number = nextNumber
        nextNumber += 1
        switch caller.read(record) {
        case .call(let question):
            plan.add(
                CallItem(number: number, record: record, question: question), at: now, wallClock: tools().clock)
        case .skip: settle(number, record, CallSettlement())
        case .refused(let fault, let thing): settle(number, record, CallSettlement(refused: fault, thing: thing))
        }
        return number
    }

    private func settle(_ number: Int64, _ record: CallRecord, _ settlement: CallSettlement) {
        settled.append(Settled(number: number, partition: record.partition, settlement: settlement))
    }

    /// These records are ours no more.
    package func drop(_ numbers: [Int64]) {
        plan.drop(numbers)
        let gone = Set(numbers)
        settled.removeAll { gone.contains($0.number) }
        // Calls about none of ours any more are given up; their places are free when they have ended.
        for (id, call) in underWay where !call.isDropped {
            guard call.items.allSatisfy({ !plan.holds($0.number) }) else { continue }
            underWay[id]?.isDropped = true
            call.handle?.cancel()
        }
    }

    /// Reads what came back, begins the calls that are due, and returns what is settled since the last turn.
    package func turn(at now: Duration) -> [Settled] {
        if let due = nextHealth, now >= due, plan.openItems == 0 { askHealth(at: now) }
        while true {
            for letter in mailbox.take() { read(letter.call, letter.outcome, at: now) }
            gate.with { plan.expire(at: now, $0) }
            var hasBegun = false
            while let call = gate.with({ plan.next(at: now, through: &$0) }) {
                begin(call, at: now)
                hasBegun = true
            }
            // A transport may answer at once.
            if !hasBegun { break }
        }
        for done in plan.takeDone() { settle(done) }
        let (open, place) = (plan.openItems, place)
        let state = gate.with { gate in
            gate.holds(open, of: place)
            return gate
        }
        metrics?.state(state)
        defer { settled.removeAll(keepingCapacity: true) }
        return settled
    }

    /// When something is to be done beside answers, which come by themselves; nil: nothing.
    package func wake(at now: Duration) -> Duration? { gate.with { plan.wake(at: now, through: &$0) } }

    /// Blocks until an answer is there or the time has passed.
    package func wait(_ duration: Duration) { mailbox.wait(duration) }

    /// Asks everybody how he is; answers come with `turn`, and `trouble` tells of them. Never blocks.
    package func askHealth(at now: Duration) {
        nextHealth = nil
        for lane in caller.lanes.indices where !health.values.contains(lane) { askHealth(of: lane, plan.batchNumber()) }
    }

    private func askHealth(of lane: Int, _ id: Int64) {
        guard var request = caller.health(lane: lane, tools: tools()), request.problem == nil else { return }
        request.timeout = min(request.timeout, Self.healthTimeout)
        health[id] = lane
        let mailbox = mailbox
        _ = transport.send(request) { outcome in mailbox.post(id, outcome) }
    }

    private func readHealth(of lane: Int, _ outcome: CallOutcome, at now: Duration) {
        var illness: CallFault?
        var isWell = false
        switch outcome {
        case .response(let response):
            isWell = (200..<300).contains(response.status)
            // Others have no such thing, or want a key for it: somebody is there all the same.
            if response.status >= 500 {
                illness = CallFault(
                    "http-\(response.status)", "asked how it is, it answers the status \(response.status)")
            }
        case .timedOut: illness = CallFault("timeout", "asked how it is, it gives no answer in time")
        case .away(let why): illness = CallFault("away", why)
        case .cutOff(let why): illness = CallFault("cut-off", why)
        case .tooLarge: break
        }
        plan.health(lane, isWell: isWell, illness: illness, at: now)
        if illness != nil { nextHealth = now + Self.healthPause }
    }

    private func begin(_ call: CallPlan.Call, at now: Duration) {
        if call.items.isEmpty { return askHealth(of: call.lane, call.id) }
        let request = caller.request(call.items, lane: call.lane, tools: tools())
        underWay[call.id] = UnderWay(lane: call.lane, items: call.items, since: now)
        let mailbox = mailbox
        let id = call.id
        if let problem = request.problem { return mailbox.post(id, .away(problem)) }
        let handle = transport.send(request) { outcome in mailbox.post(id, outcome) }
        underWay[call.id]?.handle = handle
    }

    private func read(_ id: Int64, _ outcome: CallOutcome, at now: Duration) {
        if let lane = health.removeValue(forKey: id) { return readHealth(of: lane, outcome, at: now) }
        guard let call = underWay.removeValue(forKey: id) else { return }
        if call.isDropped { return gate.with { plan.abandon(id, lane: call.lane, at: now, through: &$0) } }
        let took = now - call.since
        let policy = caller.policy
        let verdict: CallVerdict =
            switch outcome {
            case .response(let response): caller.verdict(on: response, to: call.items, lane: call.lane)
            case .timedOut: .unavailable(CallFault("timeout", "no answer within \(policy.timeout)"), blame: .perhaps)
            case .away(let why): .unavailable(CallFault("away", why))
            case .cutOff(let why): .unavailable(CallFault("cut-off", why), blame: .perhaps)
            case .tooLarge:
                .faulty(
                    CallFault("answer-size", "the answer has more than \(policy.maxAnswerBytes) bytes (`maxAnswer`)"),
                    splits: true)
            }
        metrics?.ended(lane: call.lane, verdict, took: took)
        gate.with { plan.finish(id, lane: call.lane, verdict, took: took, at: now, through: &$0) }
    }

    private func settle(_ done: CallPlan.Done) {
        var settlement = CallSettlement()
        settlement.outputs = caller.outputs(of: done.item, replies: done.replies)
        settlement.isStale = done.isStale
        settlement.thing = done.item.question.thing
        settlement.attempts = done.replies.reduce(0) { $0 + $1.attempts }
        if !done.isStale { settlement.fault = done.replies[0].fault }
        settle(done.item.number, done.item.record, settlement)
    }
}
