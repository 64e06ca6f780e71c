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

    /// The processor, as the topology calls it.
    package let name: String
    private let caller: any Caller
    private let transport: any CallTransport
    private let tools: @Sendable () -> CallTools
    private let mailbox = CallMailbox()
    private let metrics: CallMetrics?
    private var plan: CallPlan
    private var underWay: [Int64: UnderWay] = [:]
    private var settled: [Settled] = []
    private var nextNumber: Int64 = 1

    /// - Parameter seed: of the jitter.
    package init(
        name: String, caller: any Caller, transport: any CallTransport, stage: StageName, seed: UInt64,
        countsMetrics: Bool = true, tools: @escaping @Sendable () -> CallTools
    ) {
        self.name = name
        self.caller = caller
        self.transport = transport
        self.tools = tools
        metrics = countsMetrics ? CallMetrics(stage: stage, lanes: caller.lanes) : nil
        plan = CallPlan(policy: caller.policy, lanes: caller.lanes, seed: seed)
    }

    // Nobody waits for what is under way.
    deinit { for call in underWay.values { call.handle?.cancel() } }

    package var isFull: Bool { plan.isFull }

    /// Why whom it asks gives no answers; nil while he does.
    package var trouble: CallFault? { plan.trouble }

    package var openItems: Int { plan.openItems }

    /// Takes a record in and says what it is called. What needs no call is settled with the next `turn`.
    package func take(_ record: CallRecord, at now: Duration) -> Int64 {
        let number = nextNumber
        nextNumber += 1
        switch caller.read(record) {
        case .call(let question): plan.add(CallItem(number: number, record: record, question: question), at: now)
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
        while true {
            for letter in mailbox.take() { read(letter.call, letter.outcome, at: now) }
            plan.expire(at: now)
            var hasBegun = false
            while let call = plan.next(at: now) {
                begin(call, at: now)
                hasBegun = true
            }
            // A transport may answer at once.
            if !hasBegun { break }
        }
        for done in plan.takeDone() { settle(done) }
        metrics?.state(plan)
        defer { settled.removeAll(keepingCapacity: true) }
        return settled
    }

    /// When something is to be done beside answers, which come by themselves; nil: nothing.
    package func wake(at now: Duration) -> Duration? { plan.wake(at: now) }

    /// Blocks until an answer is there or the time has passed.
    package func wait(_ duration: Duration) { mailbox.wait(duration) }

    private func begin(_ call: CallPlan.Call, at now: Duration) {
        let request = caller.request(call.items, lane: call.lane, tools: tools())
        underWay[call.id] = UnderWay(lane: call.lane, items: call.items, since: now)
        let mailbox = mailbox
        let id = call.id
        if let problem = request.problem { return mailbox.post(id, .away(problem)) }
        let handle = transport.send(request) { outcome in mailbox.post(id, outcome) }
        underWay[call.id]?.handle = handle
    }

    private func read(_ id: Int64, _ outcome: CallOutcome, at now: Duration) {
        guard let call = underWay.removeValue(forKey: id) else { return }
        if call.isDropped { return plan.abandon(id, lane: call.lane, at: now) }
        let took = now - call.since
        let policy = caller.policy
        let verdict: CallVerdict =
            switch outcome {
            case .response(let response): caller.verdict(on: response, to: call.items, lane: call.lane)
            case .timedOut: .unavailable(CallFault("timeout", "no answer within \(policy.timeout)"))
            case .away(let why): .unavailable(CallFault("away", why))
            case .tooLarge:
                .faulty(
                    CallFault("answer-size", "the answer has more than \(policy.maxAnswerBytes) bytes (`maxAnswer`)"),
                    splits: true)
            }
        metrics?.ended(lane: call.lane, verdict, took: took)
        plan.finish(id, lane: call.lane, verdict, took: took, at: now)
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
