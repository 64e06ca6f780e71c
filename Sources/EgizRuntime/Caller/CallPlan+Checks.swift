package import EgizCore

/// What tells a question that nobody can answer from somebody who cannot answer anything.
///
/// What fails while other questions are answered, also by other threads of the stage, is at fault itself; unless it is weather (not
/// connected, or asked for patience), which says nothing of a question. Where nothing else is asked, something is asked: the question
/// that was answered last, once more and with its own key (the control). Before the first answer there is no control; then the
/// service's word that it is well counts, but only against what it answers with an error of its own for longer than `poisonAfter`,
/// because who is well can still hang.
extension CallPlan {
    struct Check {
        /// The record that was answered last; nil before, and once its question was not answered again.
        var control: CallItem?
        /// The control is to be asked.
        var isWanted = false
        /// Of the control, while it is under way.
        var call: Int64?
        /// The service is to be asked how it is.
        var wantsHealth = false
        /// When it last said that it is well.
        var healthyAt: Duration?
        /// Why it is not, as long as no call is answered.
        var illness: CallFault?
    }

    /// A batch failed although it was tried often enough, and nothing else was answered.
    mutating func look(into lane: Int, _ blame: CallBlame) {
        if policy.asksAgain, lanes[lane].check.control != nil {
            lanes[lane].check.isWanted = lanes[lane].check.call == nil
        } else if blame == .records, policy.poisonAfter != nil {
            lanes[lane].check.wantsHealth = true
        }
    }

    /// The call that asks the control again, where that is wanted.
    mutating func control(_ lane: Int) -> Call? {
        guard lanes[lane].check.isWanted, let item = lanes[lane].check.control else { return nil }
        let id = batchNumber()
        lanes[lane].check.isWanted = false
        lanes[lane].check.call = id
        return Call(id: id, lane: lane, items: [item])
    }

    mutating func finishControl(
        _ id: Int64, _ lane: Int, _ verdict: CallVerdict, at now: Duration, through gate: inout CallGate
    ) {
        lanes[lane].check.call = nil
        if case .answered(let answers) = verdict, answers.count == 1 {
            gate.succeeded(desk, lane: lane, call: id, isUseful: true)
            lanes[lane].lastFault = nil
            return
        }
        // It shows nothing now, and would show nothing the next time.
        lanes[lane].check.control = nil
        if case .refused = verdict {
            gate.succeeded(desk, lane: lane, call: id, isUseful: false)
        } else {
            gate.failed(desk, lane: lane, call: id, at: now, jitter: jitter())
        }
    }

    /// What the lane says of its health. - Parameter illness: why it is not well; nil also where somebody is there who has no such
    /// thing.
    package mutating func health(_ lane: Int, isWell: Bool, illness: CallFault?, at now: Duration) {
        if isWell { lanes[lane].check.healthyAt = now }
        lanes[lane].check.illness = illness
    }

    /// The service answers these records with an error for too long, and says that it is well.
    func isPoison(_ batch: Batch, _ lane: Int, _ blame: CallBlame, at now: Duration) -> Bool {
        guard blame == .records, let most = policy.poisonAfter, let since = batch.failingSince,
            let failedAt = batch.failedAt, let healthyAt = lanes[lane].check.healthyAt
        else { return false }
        return now - since >= most && healthyAt >= failedAt
    }
}
