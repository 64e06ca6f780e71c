import CRdkafka
import EgizCore
import EgizRuntime
import Logging

/// What happens after a connection broke: is it still the same log, and does the client find back into its group?
///
/// Two things need care. The embedded broker may have been started again: the same address, perhaps even the same cluster id,
/// other records; so after a broken connection to this machine nothing is handed over until its identity topic was seen again
/// (contract 8 holds while running, too). And librdkafka 2.0 goes on looking for a group's coordinator at its old port when
/// the broker came back at another one; so a client that is without partitions for longer than its session is replaced.
extension KafkaConsumer {
    struct Outage {
        var since: ContinuousClock.Instant
        var nextCheck: ContinuousClock.Instant
    }

    /// Whether the connection broke since the log behind it was last identified.
    var isLogInDoubt: Bool { mayBeEmbedded && client.events.disconnects != verifiedDisconnects }

    /// Called at the start of a poll, with the listener in place. False: there is nothing to poll for now.
    func checkConnection(timeout: Duration) throws(EngineError) -> Bool {
        if isLogInDoubt, try !identifyLogAgain(timeout: timeout) { return false }
        try mendOutage()
        return true
    }

    /// Called with each error that a poll is about to throw.
    func noteOutage(_ error: EngineError) {
        guard error.detail == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN.name, outage == nil else { return }
        outage = Outage(since: .now, nextCheck: .now + sessionTimeout + .seconds(1))
    }

    /// Called by the rebalance callback, before the listener is asked: its answer holds for the cluster as it is now.
    func assignmentBegins() {
        isAwaitingAssignment = false
        ends = [:]
        clusterGeneration = client.events.clusterGeneration
        cachedIdentity = nil
        outage = nil
        guard mayBeEmbedded else { return }
        verifiedDisconnects = client.events.disconnects
        embeddedLog = try? client.embeddedLog(timeout: Self.requestTimeout)
    }

    /// Asks for the log's identity after the connection broke. Nothing is read until the answer is here.
    private func identifyLogAgain(timeout: Duration) throws(EngineError) -> Bool {
        let disconnects = client.events.disconnects
        do throws(EngineError) {
            let now = try client.embeddedLog(timeout: max(.milliseconds(20), min(timeout, .milliseconds(250))))
            if now == embeddedLog, !hasDroppedDoubtful {
                verifiedDisconnects = disconnects
            } else if rebalance.owned.isEmpty, !hasDroppedDoubtful, now == nil || embeddedLog == nil {
                // Never assigned, or not embedded at all: nothing was read from another log.
                (embeddedLog, verifiedDisconnects) = (now, disconnects)
            } else {
                log.warning("another log answers at this address, joining the group again")
                try connectAnew(lost: false)
            }
            return true
        } catch {
            if outage == nil { outage = Outage(since: .now, nextCheck: .now + sessionTimeout + .seconds(1)) }
            try mendOutage()
            if let reported = client.events.takeError() { throw reported }
            throw error
        }
    }

    private func mendOutage() throws(EngineError) {
        guard let begin = outage, ContinuousClock.now >= begin.nextCheck else { return }
        outage = nil
        // Still a member: its session would have ended by now otherwise.
        if !rebalance.owned.isEmpty, !isLogInDoubt { return }
        log.notice("kafka was away for longer than the session, connecting anew")
        try connectAnew(lost: true)
        outage = Outage(since: .now, nextCheck: .now + max(sessionTimeout, .seconds(10)) + .seconds(5))
    }

    private var sessionTimeout: Duration {
        .milliseconds(properties["session.timeout.ms"].flatMap(Int.init) ?? 10_000)
    }

    private func connectAnew(lost: Bool) throws(EngineError) {
        let fresh = try KafkaClient.groupMember(properties: properties, log: log, rebalance: rebalance)
        let owned = rebalance.takeOwned()
        if !owned.isEmpty { rebalance.listener?.revoked(owned, lost: lost) }
        rebalance.forgetPauses()
        discardGathered { _ in true }
        pendingError = nil
        ends = [:]
        client.hasLeftGroup.set()
        client = fresh
        isSubscribed = false
        isAwaitingAssignment = false
        hasDroppedDoubtful = false
        cachedIdentity = nil
        embeddedLog = nil
        (clusterGeneration, verifiedDisconnects) = (0, 0)
    }
}
