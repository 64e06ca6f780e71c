import EgizPostgres
import NIOCore

/// Whether the client is still there and may still see what it sees. On the loop.
extension LiveConnection {
    // MARK: Looking after it

    func checkSilence() {
        recent = 0
        if !sink.isOneWay, NIODeadline.now() - lastHeard > TimeAmount(service.settings.silence) {
            return close(.silent)
        }
        sink.ping()
    }

    /// Rights and tokens end: what the client may see is looked at again.
    func checkRights() {
        guard session != nil else { return }
        let credential = credential
        onLoop {
            try await $0.service.principal(of: credential)
        } then: { connection, result in
            switch result {
            case .success(let principal?): connection.take(principal)
            case .success(nil): connection.close(.invalidToken)
            case .failure(let error) where error is Problem: connection.close(.invalidToken)
            // The database is away; what was allowed two seconds ago stays so for a moment.
            case .failure: break
            }
        }
    }

    func take(_ principal: Principal) {
        guard let rights = session?.update(principal), rights != .same else { return }
        sink.send(.access(isAdmin: principal.isAdmin, projects: principal.roles.keys.sorted().map(\.text)))
        if rights == .more {
            restart("more may be seen than before")
        } else {
            dropForbidden(principal)
        }
    }

    /// Ends subscriptions of what is no longer allowed.
    func dropForbidden(_ principal: Principal) {
        for subscription in session?.subscriptions ?? [] {
            onLoop {
                try await $0.service.check(subscription, principal)
            } then: { connection, result in
                guard case .failure(let problem as Problem) = result else { return }
                connection.snapshots.removeValue(forKey: subscription.id)?.task.cancel()
                guard connection.session?.unsubscribe(subscription.id) == true else { return }
                connection.shard.list(connection, connection.session?.subscriptions ?? [])
                connection.sink.send(.problem(problem, id: subscription.id))
            }
        }
    }
}
