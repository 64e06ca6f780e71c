import DequeModule
import EgizCore

/// Batches: cutting them, and what their answers mean.
extension CallPlan {
    /// The next call that may be made now; it counts as under way until `finish`. One without records asks for the health of its lane,
    /// and does not count.
    package mutating func next(at now: Duration, through gate: inout CallGate) -> Call? {
        for lane in lanes.indices {
            if lanes[lane].check.wantsHealth {
                lanes[lane].check.wantsHealth = false
                return Call(id: batchNumber(), lane: lane, items: [])
            }
            guard gate.mayBegin(desk, lane: lane, at: now) else {
                gate.wants(desk, lane: lane, isDue(lane, at: now), at: now)
                continue
            }
            if let call = nextCall(of: lane, at: now, isTrial: !gate.lanes[lane].breaker.isClosed) {
                gate.begin(desk, lane: lane, call: call.id)
                return call
            }
            gate.wants(desk, lane: lane, false, at: now)
        }
        return nil
    }

    /// What failed comes first: the oldest hold up the most. But a call that tries whether somebody answers again is about what has
    /// failed least: else one record that nobody can answer would keep all others from being asked.
    private mutating func nextCall(of lane: Int, at now: Duration, isTrial: Bool) -> Call? {
        if isTrial, let batch = cut(lane, at: now) { return begin(batch, lane) }
        if let call = control(lane) { return call }
        guard let batch = retry(of: lane, at: now, isTrial: isTrial) ?? cut(lane, at: now) else { return nil }
        return begin(batch, lane)
    }

    private mutating func begin(_ batch: Batch, _ lane: Int) -> Call {
        lanes[lane].inFlight[batch.id] = batch
        return Call(id: batch.id, lane: lane, items: batch.numbers.compactMap { entries[$0]?.item })
    }

    private mutating func retry(of lane: Int, at now: Duration, isTrial: Bool) -> Batch? {
        func comesFirst(_ a: Batch, _ b: Batch) -> Bool {
            if isTrial, a.attempts != b.attempts { return a.attempts < b.attempts }
            return (a.numbers.first ?? Int64.max) < (b.numbers.first ?? Int64.max)
        }
        while true {
            let due = lanes[lane].retries.indices.filter { lanes[lane].retries[$0].notBefore <= now }
            guard let first = due.min(by: { comesFirst(lanes[lane].retries[$0], lanes[lane].retries[$1]) }) else {
                return nil
            }
            var batch = lanes[lane].retries.remove(at: first)
            // Some may be stale or nobody's by now.
            batch.numbers.removeAll { number in entries[number].map { $0.replies[lane] != nil } ?? true }
            if !batch.numbers.isEmpty { return batch }
            release(batch, of: lane)
        }
    }

    /// Whether there is a call to make, were there room for it.
    private func isDue(_ lane: Int, at now: Duration) -> Bool {
        if lanes[lane].check.isWanted || lanes[lane].retries.contains(where: { $0.notBefore <= now }) { return true }
        guard let first = lanes[lane].pending.first(where: { entries[$0] != nil }), let entry = entries[first] else {
            return false
        }
        return lanes[lane].pending.count >= policy.batchSize || now >= entry.since + policy.batchDelay
    }

    /// Cuts a batch where enough records wait, or the first of them has waited long enough.
    private mutating func cut(_ lane: Int, at now: Duration) -> Batch? {
        var numbers: [Int64] = []
        var left: [Int64] = []
        var blocked: Set<[UInt8]> = []
        var bytes = 0
        var isDue = false
        while numbers.count < policy.batchSize, let number = lanes[lane].pending.first {
            guard let entry = entries[number], entry.replies[lane] == nil else {
                lanes[lane].pending.removeFirst()
                continue
            }
            if policy.keepsOrder {
                let key = entry.item.record.key ?? []
                if lanes[lane].busy.contains(key) || blocked.contains(key) {
                    blocked.insert(key)
                    left.append(number)
                    lanes[lane].pending.removeFirst()
                    continue
                }
            }
            guard numbers.isEmpty || bytes + entry.item.question.size <= policy.batchBytes else {
                isDue = true
                break
            }
            bytes += entry.item.question.size
            isDue = isDue || now >= entry.since + policy.batchDelay
            numbers.append(number)
            lanes[lane].pending.removeFirst()
        }
        guard !numbers.isEmpty, isDue || numbers.count >= policy.batchSize else {
            lanes[lane].pending.prepend(contentsOf: (left + numbers).sorted())
            return nil
        }
        lanes[lane].pending.prepend(contentsOf: left)
        var batch = Batch(id: batchNumber(), numbers: numbers)
        if policy.keepsOrder, let entry = entries[numbers[0]] {
            let key = entry.item.record.key ?? []
            batch.key = key
            lanes[lane].busy.insert(key)
        }
        return batch
    }

    /// The next record of its key may be asked about.
    private mutating func release(_ batch: Batch, of lane: Int) {
        if let key = batch.key { lanes[lane].busy.remove(key) }
    }

    // MARK: Answers

    /// A call has ended; `took` is how long it was under way. Unknown calls are ignored.
    mutating func finish(
        _ id: Int64, lane: Int, _ verdict: CallVerdict, took: Duration, at now: Duration, through gate: inout CallGate
    ) {
        if lanes[lane].check.call == id { return finishControl(id, lane, verdict, at: now, through: &gate) }
        guard var batch = lanes[lane].inFlight.removeValue(forKey: id) else { return }
        batch.attempts += 1
        mayBeStale = true
        if !verdict.isOfGateway { (batch.gatewaySince, batch.gatewayAnswered) = (nil, nil) }
        switch verdict {
        case .answered(let answers) where answers.count == batch.numbers.count:
            gate.succeeded(desk, lane: lane, call: id, isUseful: true)
            answered(batch, answers, lane, took: took, at: now)
        case .answered(let answers):
            let fault = CallFault("length", "\(answers.count) answers came to \(batch.numbers.count) records")
            gate.failed(desk, lane: lane, call: id, at: now, jitter: jitter())
            useless(batch, lane, fault, splits: true, gate, at: now)
        case .unavailable(let fault, let retryAfter, let blame):
            gate.failed(desk, lane: lane, call: id, at: now, jitter: jitter())
            unavailable(batch, lane, fault, after: retryAfter, blame: blame, gate, at: now)
        case .faulty(let fault, let splits):
            gate.failed(desk, lane: lane, call: id, at: now, jitter: jitter())
            useless(batch, lane, fault, splits: splits, gate, at: now)
        case .refused(let fault, let splits):
            // Somebody is there and answers.
            gate.succeeded(desk, lane: lane, call: id, isUseful: false)
            lanes[lane].lastFault = nil
            if splits, !definitions[lane].isShadow {
                divide(batch, lane, fault, gate, at: now)
            } else {
                giveUp(batch, lane, fault, at: now)
            }
        }
    }

    /// A call has ended whose records are nobody's any more: it tells nothing.
    package mutating func abandon(_ id: Int64, lane: Int, at now: Duration, through gate: inout CallGate) {
        if lanes[lane].check.call == id {
            lanes[lane].check.call = nil
        } else if let batch = lanes[lane].inFlight.removeValue(forKey: id) {
            release(batch, of: lane)
        } else {
            return
        }
        gate.abandoned(desk, lane: lane, call: id, at: now)
    }

    private mutating func answered(
        _ batch: Batch, _ answers: [CallAnswer], _ lane: Int, took: Duration, at now: Duration
    ) {
        lanes[lane].lastFault = nil
        lanes[lane].check.illness = nil
        release(batch, of: lane)
        for (number, answer) in zip(batch.numbers, answers) {
            if policy.asksAgain, lane == 0, case .value = answer, let entry = entries[number] {
                lanes[lane].check.control = entry.item
            }
            reply(number, lane: lane, CallReply(answer, attempts: batch.attempts, latency: took), at: now)
        }
    }

    private mutating func unavailable(
        _ failed: Batch, _ lane: Int, _ fault: CallFault, after: Duration?, blame: CallBlame, _ gate: CallGate,
        at now: Duration
    ) {
        lanes[lane].lastFault = fault
        guard !definitions[lane].isShadow, failed.attempts < policy.mostAttempts ?? .max else {
            return giveUp(failed, lane, fault, at: now)
        }
        if blame == .gateway { return refusedByGateway(failed, lane, fault, gate, at: now) }
        var batch = failed
        // Weather says nothing of the records, however often and whatever else is answered.
        guard blame != .weather else { return retry(batch, lane, after: after, at: now) }
        batch.suspected += 1
        let answered = gate.lanes[lane].answered
        let before = batch.answeredBefore ?? answered
        batch.failingSince = batch.failingSince ?? now
        if batch.suspected >= policy.attempts {
            // Others were answered since, or should have been: it is these records.
            if answered > before || isPoison(batch, lane, blame, at: now) {
                return divide(batch, lane, fault, gate, at: now)
            }
            look(into: lane, blame)
        }
        // Who hangs now and then answers others in between: of silence only what was answered since the last one tells.
        batch.answeredBefore = blame == .perhaps ? answered : before
        batch.failedAt = now
        retry(batch, lane, after: after, at: now)
    }

    private mutating func useless(
        _ failed: Batch, _ lane: Int, _ fault: CallFault, splits: Bool, _ gate: CallGate, at now: Duration
    ) {
        lanes[lane].lastFault = fault
        if definitions[lane].isShadow { return giveUp(failed, lane, fault, at: now) }
        var batch = failed
        batch.suspected += 1
        guard batch.suspected >= policy.attempts else { return retry(batch, lane, after: nil, at: now) }
        if splits { divide(batch, lane, fault, gate, at: now) } else { giveUp(batch, lane, fault, at: now) }
    }

    mutating func retry(_ batch: Batch, _ lane: Int, after: Duration?, at now: Duration) {
        var batch = batch
        var bound = policy.retryFirst
        for _ in 1..<max(batch.attempts, 1) where bound < policy.retryMost { bound *= 2 }
        var wait = min(bound, policy.retryMost) * jitter()
        if let after { wait = max(wait, min(after, .seconds(60))) }
        batch.notBefore = now + wait
        lanes[lane].retries.append(batch)
    }

    /// Each record of the batch is asked about alone, once; one that was alone is given up.
    mutating func divide(_ batch: Batch, _ lane: Int, _ fault: CallFault, _ gate: CallGate, at now: Duration) {
        guard batch.numbers.count > 1 else { return giveUp(batch, lane, fault, at: now) }
        for number in batch.numbers where entries[number].map({ $0.replies[lane] == nil }) ?? false {
            var single = Batch(id: batchNumber(), numbers: [number])
            single.attempts = max(policy.attempts - 1, 0)
            single.suspected = single.attempts
            single.answeredBefore = gate.lanes[lane].answered
            (single.failingSince, single.failedAt) = (batch.failingSince, now)
            (single.gatewaySince, single.gatewayAnswered) = (batch.gatewaySince, batch.gatewayAnswered)
            single.notBefore = now
            lanes[lane].retries.append(single)
        }
    }

    private mutating func giveUp(_ batch: Batch, _ lane: Int, _ fault: CallFault, at now: Duration) {
        release(batch, of: lane)
        for number in batch.numbers {
            reply(number, lane: lane, CallReply(.failed(fault), attempts: batch.attempts, latency: .zero), at: now)
        }
    }
}
