import EgizPostgres
import HTTPTypes
import NIOCore

/// What the client asks for: subscriptions begin, begin anew, and end. On the loop, but where it says otherwise.
extension LiveConnection {
    /// How often a subscription overflows before its snapshot is complete until it is given up.
    private static let mostRounds = 3

    /// Begins a subscription, or says why not.
    func subscribe(_ subscription: LiveSubscription) {
        guard let principal = session?.principal else {
            return sink.send(.problem(.unauthenticated, id: subscription.id))
        }
        let before = asked[subscription.id]
        let number = ask(subscription.id)
        onLoop {
            try await $0.service.check(subscription, principal)
        } then: { connection, result in
            // Meanwhile the client may have ended it, or asked for another of that name.
            guard connection.session != nil, connection.isAsked(subscription.id, number) else { return }
            switch result {
            case .success: connection.begin(subscription, number)
            case .failure(let error):
                // The one that has the name goes on, and is looked at again when rights change.
                let goesOn = connection.session?.subscriptions.contains { $0.id == subscription.id } ?? false
                connection.asked[subscription.id] = goesOn ? before : nil
                connection.sink.send(.problem(error as? Problem ?? .databaseAway, id: subscription.id))
            }
        }
    }

    func unsubscribe(_ id: String) {
        drop(id)
        sink.send(.unsubscribed(id))
    }

    /// Begins a subscription that was looked at already.
    func begin(_ subscription: LiveSubscription) { begin(subscription, ask(subscription.id)) }

    private func begin(_ subscription: LiveSubscription, _ number: Int) {
        guard let token = subscription.resume else {
            // What was sent of the other one of its name may still be on its way, and is none of this one's.
            if session?.subscriptions.contains(where: { $0.id == subscription.id }) == true {
                sink.send(.resync(subscription.id, "another subscription has this name from here on"))
            }
            return start(subscription)
        }
        let hub = service.hub
        Task { [self, loop] in
            await hub.replay(token, kinds: LiveKind.mask(subscription.kinds), on: loop) { [self] replay in
                guard !isClosed, let principal = session?.principal, isAsked(subscription.id, number) else { return }
                switch replay {
                case .items(let items, let moves)
                where token.sight == principal.sight
                    && !moves.contains(where: { $0.concerns(subscription, of: principal) }):
                    goOn(subscription, items)
                case .items: resync(subscription, "what may be seen is not what it was")
                case .resync: resync(subscription, "what came since is no longer in the log")
                }
            }
        }
    }

    private func ask(_ id: String) -> Int {
        asks += 1
        asked[id] = asks
        return asks
    }

    func isAsked(_ id: String, _ number: Int) -> Bool { asked[id] == number }

    /// From where the client was, without a snapshot.
    private func goOn(_ subscription: LiveSubscription, _ items: [LiveItem]) {
        guard enter(subscription, waits: false, hasBase: true) else { return }
        session?.replay(items, to: subscription.id)
        sink.send(.live(subscription.id, resume: token))
        send()
    }

    /// Where the client is once it has read what was sent; nil while something waits for it.
    var token: String? {
        guard let session, !session.isWaiting, !session.hasPending, !session.hasOverflowed else { return nil }
        return present
    }

    /// Where a client of its subscriptions and rights is that has everything.
    var present: String? {
        guard let kinds = session?.kinds, let sight = session?.sight else { return nil }
        return shard.token(of: kinds, sight: sight)
    }

    func start(_ subscription: LiveSubscription) {
        guard enter(subscription, waits: subscription.wantsSnapshot, hasBase: false) else { return }
        guard subscription.wantsSnapshot else {
            return sink.send(.live(subscription.id, resume: token))
        }
        takeSnapshot(subscription)
    }

    private func enter(_ subscription: LiveSubscription, waits: Bool, hasBase: Bool) -> Bool {
        var subscription = subscription
        subscription.resume = nil
        cancelSnapshot(subscription.id)
        do throws(Problem) {
            try session?.subscribe(
                subscription, filter: shard.filter(of: subscription), waits: waits, hasBase: hasBase)
        } catch {
            asked[subscription.id] = nil
            sink.send(.problem(error, id: subscription.id))
            return false
        }
        if waits, subscription.kinds.contains(.prediction) { session?.remind(subscription.id, of: shard.answers.items) }
        shard.list(self, session?.subscriptions ?? [])
        return true
    }

    // MARK: Anew

    func resync(_ subscription: LiveSubscription, _ reason: String) {
        service.metrics.resyncs.increment(by: Int64(1))
        sink.send(.resync(subscription.id, reason))
        start(subscription)
    }

    /// What the client has is followed by something else: it begins anew.
    func restart(_ reason: String) {
        for subscription in session?.restart() ?? [] { resync(subscription, reason) }
    }

    /// More came than is kept for the client.
    func overflow() {
        for subscription in session?.takeOverflow() ?? [] {
            let isIncomplete = snapshots[subscription.id] != nil
            rounds[subscription.id] = isIncomplete ? rounds[subscription.id, default: 0] + 1 : 0
            if rounds[subscription.id, default: 0] >= Self.mostRounds {
                end(subscription.id, .tooSlow)
            } else {
                resync(subscription, "more came than could be kept for a client that reads slowly")
            }
            if isClosed { return }
        }
    }

    /// Things went from one project to another.
    func moved(_ moves: [LiveMove]) {
        guard let session, session.isConcerned(by: moves) else { return }
        restart("what may be seen is not what it was")
        dropForbidden(session.principal)
    }

    // MARK: The end

    /// Ends a subscription, and says why. A stream has no way to ask again, but by a new request.
    func end(_ id: String, _ problem: Problem) {
        drop(id)
        sink.send(.problem(problem, id: id))
        if sink.isOneWay { close(.ended) }
    }

    private func drop(_ id: String) {
        asked[id] = nil
        rounds[id] = nil
        cancelSnapshot(id)
        _ = session?.unsubscribe(id)
        shard.list(self, session?.subscriptions ?? [])
    }
}

extension Problem {
    static func tooManySubscriptions(_ most: Int) -> Problem {
        Problem(
            code: "too-many-subscriptions", status: .conflict, title: "There are too many subscriptions",
            detail: "One connection has at most \(most) subscriptions; end one, or name several things in one.")
    }

    static let tooSlow = Problem(
        code: "live-too-slow", status: .conflict, title: "More comes than can be told",
        detail: "More changes come than the connection takes while it is told the present state; name less.")
}
