import EgizCore

/// What a gateway says of records: almost always weather, but one that nobody lets through would wait for ever, and all others of its
/// thread behind it.
extension CallPlan {
    /// Tried again, until others were answered between any two tries for so long that it cannot be the weather.
    mutating func refusedByGateway(
        _ failed: Batch, _ lane: Int, _ fault: CallFault, _ gate: CallGate, at now: Duration
    ) {
        var batch = failed
        let answered = gate.lanes[lane].answered
        // Nobody was answered since the last time: that was the weather.
        if batch.gatewayAnswered == answered { batch.gatewaySince = nil }
        batch.gatewayAnswered = answered
        let since = batch.gatewaySince ?? now
        batch.gatewaySince = since
        guard let most = policy.poisonAfter else { return retry(batch, lane, after: nil, at: now) }
        if now - since >= most { return divide(batch, lane, fault, gate, at: now) }
        // Where nothing else is asked, only the control can show that others would be answered.
        if batch.attempts >= policy.attempts { look(into: lane, .gateway) }
        retry(batch, lane, after: nil, at: now)
    }
}

extension CallVerdict {
    var isOfGateway: Bool {
        if case .unavailable(_, _, .gateway) = self { true } else { false }
    }
}
