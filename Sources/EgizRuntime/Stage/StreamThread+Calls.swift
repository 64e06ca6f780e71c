import EgizCore
import EgizTwin
import Foundation
import Logging

/// The second protocol (rule 22): records go from the log to the desk, and only when they are done, in the order of their partition,
/// into an epoch. From there on everything is as for processors: the epoch commits offset, outbox and dead letters at once.
extension StreamThread {
    /// How long a full desk may keep the thread from polling; then its partitions are paused.
    private static var fullPatience: Duration { .seconds(2) }

    func openDesk() throws(EngineError) {
        do throws(TopologyFaults) {
            guard let (name, caller) = try setup.registry.caller(of: setup.stage) else { return }
            let environment = ProcessInfo.processInfo.environment
            desk = CallDesk(
                name: name, caller: caller, transport: setup.calls, stage: setup.stage.name, gate: setup.gate,
                seed: .random(in: .min ... .max)
            ) { CallTools(now: .wallClock) { environment[$0] } }
            // Whoever starts a topology hears at once that its model is not there, and not with the first question.
            if let desk, desk.isFirst { desk.askHealth(at: deskTime) }
        } catch {
            throw EngineError(
                .topology, .stop,
                "stage \(setup.stage.name) cannot be built: \(error.faults.map(\.message).joined(separator: "; "))")
        }
    }

    /// Time of the desk: since the process began to count.
    private var deskTime: Duration { Self.origin.duration(to: .now) }
    private static let origin = ContinuousClock.now

    /// Hands a batch to the desk.
    func take(_ batch: any RecordBatch, for desk: CallDesk) {
        let now = deskTime
        for index in 0..<batch.count {
            let record = batch.record(at: index)
            guard let task = tasks[record.partition], let calls = task.calls, task.blockedUntil == nil else { continue }
            task.idleSince = nil
            let next = calls.window.taken(of: record.topic) ?? task.next[record.topic]
            if let next, record.offset < next.raw { continue }
            let kept = CallRecord(record, topicName: topics[record.topic], headers: batch.headers(at: index))
            // Reading a record is our code: a trap in it must not become a crash loop (rule 7).
            crashGuard?.enter(topic: record.topic, partition: record.partition, offset: record.offset)
            defer { crashGuard?.leave() }
            calls.take(kept, RecordMark(of: record), next: task.next[record.topic], at: now)
        }
    }

    /// Makes the calls that are due, and brings what is done into the open epoch.
    func followCalls() throws(EngineError) {
        guard let desk else { return }
        for settled in desk.turn(at: deskTime) {
            tasks[settled.partition]?.calls?.settle(settled.number, settled.settlement)
        }
        reportTrouble(of: desk)
        guard publisher.unpublishedBytes <= setup.configuration.mostUnpublished else { return }
        for task in tasks.values.sorted(by: { $0.id < $1.id }) {
            while hasRoomForCalls, let slot = task.calls?.next() { settle(slot, in: task) }
        }
    }

    private var hasRoomForCalls: Bool {
        let open = openWork
        return open.records < pipeline.policy.maxRecords && open.bytes < pipeline.policy.maxBytes
    }

    private func settle(_ slot: CallWindow.Slot, in task: OwnedTask) {
        guard let settlement = slot.settlement else { return }
        slot.record.withRaw { record in
            if !condemned.isEmpty, let error = condemned[position(record)] {
                setAside(condemned: record, error, headers: slot.record.headers, in: task)
            } else if case .refused(let refusal) = task.step.settle(record, settlement) {
                setAside(
                    record, headers: slot.record.headers, in: task, refusal, attempts: max(settlement.attempts, 1))
            }
        }
        task.next[slot.record.topic] = NextOffset(after: slot.record.offset)
        task.lastTaken = (slot.record.topic, slot.record.offset)
        task.marks[slot.record.topic] = slot.mark
    }

    private func reportTrouble(of desk: CallDesk) {
        if let fault = desk.trouble {
            if status.snapshot.endpoint == nil {
                logger.warning(
                    "whom the stage asks gives no answer; what comes for him waits",
                    metadata: [LogKey.reason: "\(fault.code)", LogKey.error: "\(fault.message)"])
            }
            status.waiting(.endpoint, "\(fault.code): \(fault.message)")
        } else if status.snapshot.endpoint != nil {
            logger.notice("whom the stage asks answers again")
            status.recovered(.endpoint)
        }
    }

    /// The longest that a poll may wait while calls are under way or due.
    var patienceForCalls: Duration {
        guard let desk, desk.openItems > 0 else { return .seconds(1) }
        guard let wake = desk.wake(at: deskTime) else { return .milliseconds(5) }
        return max(.milliseconds(1), min(.milliseconds(5), wake - deskTime))
    }

    /// The desk has no room: takes no records for a moment, but stays in the group. True where that was so.
    func awaitCalls() throws(EngineError) -> Bool {
        guard let desk, desk.isFull else {
            deskFullSince = nil
            return false
        }
        let now = ContinuousClock.now
        let since = deskFullSince ?? now
        deskFullSince = since
        desk.wait(.milliseconds(20))
        if since.duration(to: now) >= Self.fullPatience { try stayInGroup() }
        noteWaiting(now)
        if let consumer { metrics.report(lag: refreshLag(consumer)) }
        return true
    }
}
