import Logging
import EgizCore
import EgizPostgres
import NIOCore

/// One client of live push: its session, and what has to be asked elsewhere for it. Confined to its event loop.
///
/// Unchecked: everything mutable is touched on `shard.loop` alone; tasks that ask the database come back there.
final class LiveConnection: @unchecked Sendable {
    let shard: LiveShard
    let service: LiveService
    private let sink: any LiveSink
    /// Nil until the client has said who it is.
    private(set) var session: LiveSession?
    /// What the client has shown, to look at it again.
    private(set) var credential: LiveCredential
    private var isTouched = false
    private(set) var isClosed = false
    /// Pages of snapshots that wait until the client takes more.
    private var waiting: [() -> Void] = []
    /// Those under way, by subscription.
    private var snapshots: [String: (number: Int, task: Task<Void, Never>)] = [:]
    private var snapshotsBegun = 0
    private var timers: [RepeatedTask] = []
    private var signInTimer: Scheduled<Void>?
    private var lastHeard = NIODeadline.now()
    /// Who the client is, is being asked: what it sends meanwhile waits.
    private var isAsking = false
    private var early: [[UInt8]] = []
    private var coalesced = 0
    private var recent = 0

    var loop: any EventLoop { shard.loop }

    /// On the loop. The caller has `enter`ed the service; `close` leaves it.
    init(shard: LiveShard, service: LiveService, sink: any LiveSink, credential: LiveCredential) {
        self.shard = shard
        self.service = service
        self.sink = sink
        self.credential = credential
        shard.add(self)
        let settings = service.settings
        timers = [
            repeating(settings.pingInterval) { $0.checkSilence() },
            repeating(settings.rightsInterval) { $0.checkRights() },
        ]
        signInTimer = loop.scheduleTask(in: TimeAmount(settings.signInDeadline)) { [weak self] in
            guard let self, session == nil else { return }
            close(.signIn)
        }
    }

    private func repeating(_ interval: Duration, _ body: @escaping @Sendable (LiveConnection) -> Void) -> RepeatedTask {
        let interval = TimeAmount(interval)
        // Spread, or thousands of clients that came together would be looked after together for ever.
        let first = TimeAmount.nanoseconds(Int64.random(in: interval.nanoseconds / 2...interval.nanoseconds))
        return loop.scheduleRepeatedTask(initialDelay: first, delay: interval) { [weak self] task in
            guard let self, !isClosed else { return task.cancel() }
            body(self)
        }
    }

    // MARK: Signing in

    /// Looks at the credential; then the client is welcome, or let go.
    func signIn() {
        let credential = credential
        isAsking = true
        onLoop {
            try await $0.service.principal(of: credential)
        } then: { connection, result in
            switch result {
            case .success(let principal?): connection.welcome(principal)
            case .success(nil): connection.waitForToken()
            case .failure(let error): connection.refuse(error)
            }
            connection.handleEarly()
        }
    }

    /// What came while it was being asked who the client is, in its order.
    private func handleEarly() {
        isAsking = false
        while !isAsking, !isClosed, !early.isEmpty { handle(early.removeFirst()) }
    }

    /// Signed in already, as server-sent events are before the connection is made.
    func welcome(_ principal: Principal) {
        guard !isClosed else { return }
        signInTimer?.cancel()
        if session == nil {
            session = LiveSession(principal: principal, mostBytes: service.settings.mostHeldBytes)
        } else {
            take(principal)
        }
        sink.send(
            .welcome(
                name: principal.name, isAdmin: principal.isAdmin, projects: principal.roles.keys.sorted().map(\.text)))
    }

    private func waitForToken() {
        // Without a token on a server that asks for one: the first message brings it, until `signInTimer`.
        if credential.token != nil { close(.invalidToken) }
    }

    private func refuse(_ error: any Error) {
        guard error is Problem else {
            // The database is away: that says nothing about the token.
            return sink.send(.problem(.databaseAway, id: nil))
        }
        close(.invalidToken)
    }

    // MARK: Messages

    /// A text of the client.
    func received(_ text: [UInt8]) {
        guard !isClosed else { return }
        lastHeard = .now()
        recent += 1
        guard recent <= service.settings.mostMessages else { return close(.tooManyMessages) }
        guard !isAsking else { return early.append(text) }
        handle(text)
    }

    private func handle(_ text: [UInt8]) {
        switch LiveMessage.parse(text) {
        case .authenticate(let token): authenticate(token)
        case .ping: sink.send(.pong)
        case .subscribe(let subscription): subscribe(subscription)
        case .unsubscribe(let id): unsubscribe(id)
        case .faulty(let problem, let id): sink.send(.problem(problem, id: id))
        case .noJSON: close(.noJSON)
        }
    }

    /// Something came that is no message: a pong.
    func heard() { lastHeard = .now() }

    private func authenticate(_ token: String) {
        // A second token takes the first one's place, before that expires; of somebody else it is refused.
        let before = session?.principal
        credential.token = token
        let credential = credential
        isAsking = true
        onLoop {
            try await $0.service.principal(of: credential)
        } then: { connection, result in
            defer { connection.handleEarly() }
            guard case .success(let principal?) = result else {
                if case .failure(let error) = result { return connection.refuse(error) }
                return connection.close(.invalidToken)
            }
            guard before == nil || before?.id == principal.id else { return connection.close(.invalidToken) }
            connection.welcome(principal)
        }
    }

    /// Begins a subscription, or says why not.
    private func subscribe(_ subscription: LiveSubscription) {
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

    private func unsubscribe(_ id: String) {
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
    private func goOn(_ subscription: LiveSubscription, _ items: [LiveItem]) {
        guard enter(subscription, waits: false) else { return }
        for item in items { session?.offer(item) }
        sink.send(.live(subscription.id, resume: token))
        send()
    }

    /// Where the client is once it has read what was sent; nil while something waits for it.
    private var token: String? {
        guard let session, !session.isWaiting, !session.hasPending else { return nil }
        return shard.token
    }

    private func start(_ subscription: LiveSubscription) {
        guard enter(subscription, waits: subscription.wantsSnapshot) else { return }
        guard subscription.wantsSnapshot else {
            return sink.send(.live(subscription.id, resume: token))
        }
        takeSnapshot(subscription)
    }

    private func enter(_ subscription: LiveSubscription, waits: Bool) -> Bool {
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

    private func takeSnapshot(_ subscription: LiveSubscription) {
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
    private func deliver(_ rows: [LiveRow], _ number: Int, of id: String) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            loop.execute { [self] in
                whenWritable { [self] in
                    guard isCurrent(id, number) else { return continuation.resume(throwing: CancellationError()) }
                    for row in rows { session?.note(row.key, row.floor) }
                    sink.send(.snapshot(id, rows.map(\.json)))
                    continuation.resume()
                }
            }
        }
    }

    private func isCurrent(_ id: String, _ number: Int) -> Bool { !isClosed && snapshots[id]?.number == number }

    private func release(_ id: String, _ number: Int) {
        guard isCurrent(id, number) else { return }
        snapshots[id] = nil
        session?.release(id)
        sink.send(.live(id, resume: token))
        send()
    }

    private func failed(_ subscription: LiveSubscription, _ number: Int, _ error: any Error) {
        guard isCurrent(subscription.id, number) else { return }
        snapshots[subscription.id] = nil
        service.logger.debug("a snapshot failed", metadata: ["egiz.error": "\(error)"])
        _ = session?.unsubscribe(subscription.id)
        shard.list(self, session?.subscriptions ?? [])
        sink.send(.problem(error as? Problem ?? .databaseAway, id: subscription.id))
    }

    /// What the client has is followed by something else: it begins anew.
    func restart(_ reason: String) {
        for subscription in session?.subscriptions ?? [] {
            service.metrics.resyncs.increment(by: Int64(1))
            sink.send(.resync(subscription.id, reason))
            start(subscription)
        }
    }

    // MARK: Items

    /// True where it was not touched in this batch before.
    func offer(_ item: LiveItem) -> Bool {
        session?.offer(item)
        defer { isTouched = true }
        return !isTouched
    }

    /// The batch is complete.
    func flush() {
        isTouched = false
        guard !isClosed else { return }
        send()
    }

    private func send() {
        // Never a copy of the session beside itself: its arrays would be copied with every frame.
        let hasOverflowed = session?.hasOverflowed ?? false
        guard hasOverflowed || session?.hasPending == true else { return }
        guard sink.isWritable else {
            session?.hold()
            return
        }
        if hasOverflowed {
            for subscription in session?.takeOverflow() ?? [] {
                service.metrics.resyncs.increment(by: Int64(1))
                sink.send(.resync(subscription.id, "more came than could be kept for a client that reads slowly"))
                start(subscription)
            }
            return
        }
        let frames = session?.takeFrames(resume: shard.token) ?? []
        var items = 0
        for frame in frames {
            items += frame.count
            sink.send(frame)
        }
        service.metrics.frames.increment(by: Int64(frames.count))
        service.metrics.sent.increment(by: Int64(items))
        let now = session?.coalesced ?? 0
        if now > coalesced { service.metrics.coalesced.increment(by: Int64(now - coalesced)) }
        coalesced = now
    }

    /// The client takes more.
    func becameWritable() {
        guard !isClosed else { return }
        while sink.isWritable, !waiting.isEmpty { waiting.removeFirst()() }
        if sink.isWritable { send() }
    }

    private func whenWritable(_ body: @escaping () -> Void) {
        if isClosed || (sink.isWritable && waiting.isEmpty) { return body() }
        waiting.append(body)
    }

    // MARK: Looking after it

    private func checkSilence() {
        recent = 0
        if !sink.isOneWay, NIODeadline.now() - lastHeard > TimeAmount(service.settings.silence) {
            return close(.silent)
        }
        sink.ping()
    }

    /// Rights and tokens end: what the client may see is looked at again.
    private func checkRights() {
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

    private func take(_ principal: Principal) {
        guard let rights = session?.update(principal), rights != .same else { return }
        sink.send(.access(isAdmin: principal.isAdmin, projects: principal.roles.keys.sorted().map(\.text)))
        if rights == .more {
            restart("more may be seen than before")
        } else {
            dropForbidden(principal)
        }
    }

    /// Ends subscriptions of what is no longer allowed.
    private func dropForbidden(_ principal: Principal) {
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

    /// Asks something elsewhere and comes back to the loop with the answer.
    private func onLoop<T: Sendable>(
        _ ask: @escaping @Sendable (LiveConnection) async throws -> T,
        then body: @escaping @Sendable (LiveConnection, Result<T, any Error>) -> Void
    ) {
        Task { [self, loop] in
            let result: Result<T, any Error>
            do { result = .success(try await ask(self)) } catch { result = .failure(error) }
            loop.execute { [self] in
                if !isClosed { body(self, result) }
            }
        }
    }

    // MARK: The end

    /// On the loop. Idempotent.
    func close(_ reason: LiveClose) {
        guard !isClosed else { return }
        isClosed = true
        signInTimer?.cancel()
        for timer in timers { timer.cancel() }
        for snapshot in snapshots.values { snapshot.task.cancel() }
        snapshots = [:]
        shard.remove(self)
        service.leave()
        for body in waiting { body() }
        waiting = []
        session = nil
        sink.close(reason)
    }
}
