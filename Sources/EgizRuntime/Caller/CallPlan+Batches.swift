import DequeModule
import EgizCore

/// Batches: cutting them, and what their answers mean.
extension CallPlan {
    /// The next call that may be made now; it counts as under way until `finish`.
    package mutating func next(at now: Duration) -> Call? {
        for lane in lanes.indices {
            while var batch = nextBatch(of: lane, at: now) {
                let items = batch.numbers.compactMap { entries[$0]?.item }
                guard !items.isEmpty else {
                    release(batch, of: lane)
                    continue
                }
                batch.numbers = items.map(\.number)
                lanes[lane].breaker.admitted()
                lanes[lane].rate.take()
                lanes[lane].inFlight[batch.id] = batch
                return Call(id: batch.id, lane: lane, items: items)
            }
        }
        return nil
    }

    private mutating func nextBatch(of lane: Int, at now: Duration) -> Batch? {
        guard lanes[lane].inFlight.count < policy.concurrency, lanes[lane].breaker.admits(at: now),
            lanes[lane].rate.next(at: now) <= now
        else { return nil }
        // What failed comes first: the oldest hold up the most.
        let due = lanes[lane].retries.indices.filter { lanes[lane].retries[$0].notBefore <= now }
        if let first = due.min(by: { oldest(lanes[lane].retries[$0]) < oldest(lanes[lane].retries[$1]) }) {
            var batch = lanes[lane].retries.remove(at: first)
            // Some may be stale or nobody's by now.
            batch.numbers.removeAll { number in entries[number].map { $0.replies[lane] != nil } ?? true }
            return batch
        }
        return cut(lane, at: now)
    }

    private func oldest(_ batch: Batch) -> Int64 { batch.numbers.first ?? .max }

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
    mutating func finish(_ id: Int64, lane: Int, _ verdict: CallVerdict, took: Duration, at now: Duration) {
        guard var batch = lanes[lane].inFlight.removeValue(forKey: id) else { return }
        batch.attempts += 1
        mayBeStale = true
        let isShadow = definitions[lane].isShadow
        switch verdict {
        case .answered(let answers) where answers.count == batch.numbers.count:
            lanes[lane].breaker.succeeded()
            lanes[lane].answered += 1
            lanes[lane].lastFault = nil
            release(batch, of: lane)
            for (number, answer) in zip(batch.numbers, answers) {
                reply(number, lane: lane, CallReply(answer, attempts: batch.attempts, latency: took), at: now)
            }
        case .answered(let answers):
            let fault = CallFault("length", "\(answers.count) answers came to \(batch.numbers.count) records")
            useless(batch, lane, fault, splits: true, at: now)
        case .unavailable(let fault, let retryAfter):
            lanes[lane].lastFault = fault
            fail(lane, at: now)
            if isShadow || batch.attempts >= policy.mostAttempts ?? .max { return giveUp(batch, lane, fault, at: now) }
            let before = batch.answeredBefore ?? lanes[lane].answered
            batch.answeredBefore = before
            if batch.attempts >= policy.attempts, lanes[lane].answered > before {
                // Others were answered since: it is these records.
                divide(batch, lane, fault, at: now)
            } else {
                retry(batch, lane, after: retryAfter, at: now)
            }
        case .faulty(let fault, let splits):
            useless(batch, lane, fault, splits: splits, at: now)
        case .refused(let fault, let splits):
            // Somebody is there and answers.
            lanes[lane].breaker.succeeded()
            lanes[lane].lastFault = nil
            if splits, !isShadow { divide(batch, lane, fault, at: now) } else { giveUp(batch, lane, fault, at: now) }
        }
    }

    /// A call has ended whose records are nobody's any more: it tells nothing.
    package mutating func abandon(_ id: Int64, lane: Int, at now: Duration) {
        guard let batch = lanes[lane].inFlight.removeValue(forKey: id) else { return }
        lanes[lane].breaker.abandoned(at: now)
        release(batch, of: lane)
    }

    private mutating func fail(_ lane: Int, at now: Duration) {
        let part = jitter()
        lanes[lane].breaker.failed(at: now, jitter: part)
    }

    private mutating func useless(_ batch: Batch, _ lane: Int, _ fault: CallFault, splits: Bool, at now: Duration) {
        lanes[lane].lastFault = fault
        fail(lane, at: now)
        if definitions[lane].isShadow { return giveUp(batch, lane, fault, at: now) }
        guard batch.attempts >= policy.attempts else { return retry(batch, lane, after: nil, at: now) }
        if splits { divide(batch, lane, fault, at: now) } else { giveUp(batch, lane, fault, at: now) }
    }

    private mutating func retry(_ batch: Batch, _ lane: Int, after: Duration?, at now: Duration) {
        var batch = batch
        var bound = policy.retryFirst
        for _ in 1..<max(batch.attempts, 1) where bound < policy.retryMost { bound *= 2 }
        var wait = min(bound, policy.retryMost) * jitter()
        if let after { wait = max(wait, min(after, .seconds(60))) }
        batch.notBefore = now + wait
        lanes[lane].retries.append(batch)
    }

    /// Each record of the batch is asked about alone, once; one that was alone is given up.
    private mutating func divide(_ batch: Batch, _ lane: Int, _ fault: CallFault, at now: Duration) {
        guard batch.numbers.count > 1 else { return giveUp(batch, lane, fault, at: now) }
        for number in batch.numbers where entries[number].map({ $0.replies[lane] == nil }) ?? false {
            var single = Batch(id: batchNumber(), numbers: [number])
            single.attempts = max(policy.attempts - 1, 0)
            single.answeredBefore = lanes[lane].answered
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
