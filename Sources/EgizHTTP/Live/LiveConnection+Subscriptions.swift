import EgizPostgres
import Logging
import NIOCore

/// What the client asks for: subscriptions, and the snapshots with which they begin. On the loop, but where it says otherwise.
extension LiveConnection {
    /// Begins a subscription, or says why not.
    func subscribe(_ subscription: LiveSubscription) {
        guard let principal = session?.principal else {
            return sink.send(.problem(.unauthenticated, id: subscription.id))
        }
        onLoop {
            try await $0.service.check(subscription, principal)
        } then: { connection, result in
            guard connection.session != nil else { return }
            switch result {
            case .success: connection.begin(subscription)
            case .failure(let problem as Problem): connection.sink.send(.problem(problem, id: subscription.id))
            case .failure: connection.sink.send(.problem(.databaseAway, id: subscription.id))
            }
        }
    }

    func unsubscribe(_ id: String) {
        snapshots.removeValue(forKey: id)?.task.cancel()
        _ = session?.unsubscribe(id)
        shard.list(self, session?.subscriptions ?? [])
        sink.send(.unsubscribed(id))
    }

    /// Begins a subscription that was looked at already.
    func begin(_ subscription: LiveSubscription) {
        guard let token = subscription.resume else { return start(subscription) }
        let hub = service.hub
        Task { [self, loop] in
            await hub.replay(token, on: loop) { [self] replay in
                if isClosed { return }
                switch replay {
                case .items(let items): goOn(subscription, items)
                case .resync:
                    service.metrics.resyncs.increment(by: Int64(1))
                    sink.send(.resync(subscription.id, "what came since is no longer in the log"))
                    start(subscription)
                }
            }
        }
    }

    /// From where the client was, without a snapshot.
    func goOn(_ subscription: LiveSubscription, _ items: [LiveItem]) {
        guard enter(subscription, waits: false) else { return }
        for item in items { session?.offer(item) }
        sink.send(.live(subscription.id, resume: token))
        send()
    }

    /// Where the client is once it has read what was sent; nil while something waits for it.
    var token: String? {
        guard let session, !session.isWaiting, !session.hasPending else { return nil }
        return shard.token
    }

    func start(_ subscription: LiveSubscription) {
        guard enter(subscription, waits: subscription.wantsSnapshot) else { return }
        guard subscription.wantsSnapshot else {
            return sink.send(.live(subscription.id, resume: token))
        }
        takeSnapshot(subscription)
    }

    func enter(_ subscription: LiveSubscription, waits: Bool) -> Bool {
        var subscription = subscription
        subscription.resume = nil
        do throws(Problem) {
            try session?.subscribe(subscription, filter: shard.filter(of: subscription), waits: waits)
        } catch {
            sink.send(.problem(error, id: subscription.id))
            return false
        }
        shard.list(self, session?.subscriptions ?? [])
        return true
    }

    // MARK: Snapshots

    func takeSnapshot(_ subscription: LiveSubscription) {
        guard let scope = session?.principal.scope(.viewer) else { return }
        snapshots.removeValue(forKey: subscription.id)?.task.cancel()
        let service = service
        snapshotsBegun += 1
        let number = snapshotsBegun
        let task = Task { [self, loop] in
            do {
                try await service.snapshot(subscription, scope) { try await deliver($0, number, of: subscription.id) }
                loop.execute { [self] in release(subscription.id, number) }
            } catch is CancellationError {
                // Another one has begun, or nobody is there any more.
            } catch {
                loop.execute { [self] in failed(subscription, number, error) }
            }
        }
        snapshots[subscription.id] = (number, task)
    }

    /// Sends a page as soon as the client takes it. From any thread.
    func deliver(_ rows: [LiveRow], _ number: Int, of id: String) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            loop.execute { [self] in
                whenWritable { [self] in
                    // What is still held is older than the rows, and would take the client back behind them.
                    if !isClosed { send() }
                    guard isCurrent(id, number) else { return continuation.resume(throwing: CancellationError()) }
                    for row in rows { session?.note(id, row.key, row.floor) }
                    sink.send(.snapshot(id, rows.map(\.json)))
                    continuation.resume()
                }
            }
        }
    }

    func isCurrent(_ id: String, _ number: Int) -> Bool { !isClosed && snapshots[id]?.number == number }

    func release(_ id: String, _ number: Int) {
        guard isCurrent(id, number) else { return }
        snapshots[id] = nil
        session?.release(id)
        sink.send(.live(id, resume: token))
        send()
    }

    func failed(_ subscription: LiveSubscription, _ number: Int, _ error: any Error) {
        guard isCurrent(subscription.id, number) else { return }
        snapshots[subscription.id] = nil
        service.logger.debug("a snapshot failed", metadata: ["egiz.error": "\(error)"])
        _ = session?.unsubscribe(subscription.id)
        shard.list(self, session?.subscriptions ?? [])
        sink.send(.problem(error as? Problem ?? .databaseAway, id: subscription.id))
    }

    /// What the client has is followed by something else: it begins anew.
    func restart(_ reason: String) {
        session?.dropPending()
        for subscription in session?.subscriptions ?? [] {
            service.metrics.resyncs.increment(by: Int64(1))
            sink.send(.resync(subscription.id, reason))
            start(subscription)
        }
    }
}
