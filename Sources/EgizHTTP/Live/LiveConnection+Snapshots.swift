import EgizPostgres
import Logging
import NIOCore

/// The snapshots with which subscriptions begin: one at a time for each client, page by page, as fast as it takes them. On the loop, but
/// where it says otherwise.
extension LiveConnection {
    /// How often a page is read again because more came meanwhile than is held.
    private static let mostReadings = 5

    func takeSnapshot(_ subscription: LiveSubscription) {
        snapshotsBegun += 1
        snapshots[subscription.id] = snapshotsBegun
        queue.append((subscription, snapshotsBegun))
        nextSnapshot()
    }

    func cancelSnapshot(_ id: String) {
        guard let number = snapshots.removeValue(forKey: id) else { return }
        queue.removeAll { $0.number == number }
        guard reader?.number == number else { return }
        reader?.task.cancel()
        reader = nil
        nextSnapshot()
    }

    private func nextSnapshot() {
        guard reader == nil, !isClosed, !queue.isEmpty, let scope = session?.principal.scope(.viewer) else { return }
        let (subscription, number) = queue.removeFirst()
        let task = Task { [self, loop] in
            do {
                try await read(subscription, number, scope)
            } catch is CancellationError {
                // Another one has begun, or nobody is there any more.
            } catch {
                loop.execute { [self] in failed(subscription, number, error) }
            }
        }
        reader = (number, task)
    }

    /// Reads the present state of what a subscription names, a page after the other. From any thread.
    private func read(_ subscription: LiveSubscription, _ number: Int, _ scope: AccessScope) async throws {
        let id = subscription.id
        guard let question = subscription.question(scope) else {
            _ = try await deliver(LivePiece(isPageEnd: true), number, of: id)
            return
        }
        let service = service
        var after: String?
        var readings = 0
        while true {
            // A page that waited for the client would be old.
            try await onLoop(number, id) { _ in true }
            let place = after
            let pieces = try await service.snapshots.pass {
                try Task.checkCancellation()
                // Without a wait for the client: others wait here.
                try await self.onLoop(number, id, whenWritable: false) {
                    $0.session?.beginPage(id)
                    return true
                }
                let page = try await service.queries.page(
                    question, after: place, limit: service.settings.snapshotPage, bytes: LiveSettings.pageBytes)
                return try LivePiece.pieces(
                    page, subscription.patterns, twins: question.twins, bytes: LiveSession.frameBytes)
            }
            var isSpoiled = false
            for piece in pieces {
                guard try await deliver(piece, number, of: id) else {
                    isSpoiled = true
                    break
                }
                guard let through = piece.through else { return }
                after = through.text
            }
            readings = isSpoiled ? readings + 1 : 0
            if readings >= Self.mostReadings { throw Problem.tooSlow }
        }
    }

    /// Sends a piece as soon as the client takes it; false where its page has to be read again. From any thread.
    private func deliver(_ piece: LivePiece, _ number: Int, of id: String) async throws -> Bool {
        try await onLoop(number, id) { connection in
            guard let frames = connection.session?.take(piece, of: id) else { return false }
            for frame in frames { connection.sink.send(frame) }
            if piece.through == nil { connection.complete(id) }
            return true
        }
    }

    /// Calls `body`, as soon as the client takes more; throws where the snapshot is not wanted any more. From any thread.
    @discardableResult
    private func onLoop(
        _ number: Int, _ id: String, whenWritable waits: Bool = true,
        _ body: @escaping @Sendable (LiveConnection) -> Bool
    ) async throws -> Bool {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Bool, any Error>) in
            loop.execute { [self] in
                let step = { [self] in
                    // What overflowed begins all snapshots anew.
                    if !isClosed { send() }
                    guard !isClosed, snapshots[id] == number else {
                        return continuation.resume(throwing: CancellationError())
                    }
                    continuation.resume(returning: body(self))
                }
                if waits { whenWritable(step) } else { step() }
            }
        }
    }

    private func complete(_ id: String) {
        snapshots[id] = nil
        rounds[id] = nil
        reader = nil
        sink.send(.live(id, resume: token))
        send()
        nextSnapshot()
    }

    private func failed(_ subscription: LiveSubscription, _ number: Int, _ error: any Error) {
        guard !isClosed, snapshots[subscription.id] == number else { return }
        service.logger.debug("a snapshot failed", metadata: ["egiz.error": "\(error)"])
        end(subscription.id, error as? Problem ?? .databaseAway)
    }
}

extension LiveSubscription {
    /// What its snapshot asks the database for; nil: nothing of what it names is there.
    func question(_ scope: AccessScope) -> LiveQueries.Question? {
        let question = LiveQueries.Question(
            things: things.map { $0.sorted().map(\.text) }, projects: projects.map { $0.sorted() }, scope: scope,
            twins: kinds.contains(.twin), scenes: kinds.contains(.binding), alerts: kinds.contains(.alert),
            predictions: kinds.contains(.prediction))
        return question.twins || question.scenes || question.alerts || question.predictions ? question : nil
    }
}
