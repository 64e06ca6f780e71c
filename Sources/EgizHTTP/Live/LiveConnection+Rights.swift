import EgizPostgres
import NIOCore

/// Whether the client is still there and may still see what it sees. On the loop.
extension LiveConnection {
    // MARK: Looking after it

    func checkSilence() {
        recent = 0
        session?.forgetFloors()
        if !sink.isOneWay, NIODeadline.now() - lastHeard > TimeAmount(service.settings.silence) {
            return close(.silent)
        }
        sink.ping()
    }

    /// Rights and tokens end: what the client may see is looked at again.
    func checkRights() {
        guard session != nil, !isLooking else { return }
        isLooking = true
        let credential = credential
        onLoop {
            try await $0.service.principal(of: credential)
        } then: { connection, result in
            connection.isLooking = false
            // Another token came meanwhile; it is looked at on its own.
            guard connection.credential.token == credential.token else { return }
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
            // Their pages are read with the rights that were.
            for subscription in session?.subscriptions ?? [] where snapshots[subscription.id] != nil {
                resync(subscription, "less may be seen than before")
            }
        }
        // Who gained one project may have lost another.
        dropForbidden(principal)
    }

    /// Ends subscriptions of what is no longer allowed.
    func dropForbidden(_ principal: Principal) {
        for subscription in session?.subscriptions ?? [] {
            guard let number = asked[subscription.id] else { continue }
            onLoop {
                try await $0.service.check(subscription, principal)
            } then: { connection, result in
                // Another of that name has been looked at on its own.
                guard case .failure(let problem as Problem) = result, connection.isAsked(subscription.id, number)
                else { return }
                connection.end(subscription.id, problem)
            }
        }
    }
}
