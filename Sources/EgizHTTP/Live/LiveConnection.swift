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
    let sink: any LiveSink
    /// Nil until the client has said who it is.
    var session: LiveSession?
    /// What the client has shown, to look at it again.
    private(set) var credential: LiveCredential
    var isTouched = false
    private(set) var isClosed = false
    /// Pages of snapshots that wait until the client takes more.
    var waiting: [() -> Void] = []
    /// Snapshots that are not complete, by subscription; those that wait for their turn, and the one that is read.
    var snapshots: [String: Int] = [:]
    var queue: [(subscription: LiveSubscription, number: Int)] = []
    var reader: (number: Int, task: Task<Void, Never>)?
    var snapshotsBegun = 0
    /// What the client asked for last, by subscription: answers to anything before come too late.
    var asked: [String: Int] = [:]
    var asks = 0
    /// How often a subscription has overflowed since it was live.
    var rounds: [String: Int] = [:]
    private var timers: [RepeatedTask] = []
    private var signInTimer: Scheduled<Void>?
    var lastHeard = NIODeadline.now()
    /// Who the client is, is being asked: what it sends meanwhile waits, as does what one sends who does not read the answers.
    private var isAsking = false
    private var early: [[UInt8]] = []
    private var earlyBytes = 0
    /// What the client may see is being looked at.
    var isLooking = false
    var coalesced = 0
    var recent = 0

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
            connection.answered()
        }
    }

    private func answered() {
        isAsking = false
        handleEarly()
    }

    /// What came while it was being asked who the client is, or while the client did not read, in its order.
    func handleEarly() {
        while !isAsking, !isClosed, sink.isWritable, !early.isEmpty {
            let text = early.removeFirst()
            earlyBytes -= text.count
            handle(text)
        }
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
            sink.send(.problem(.databaseAway, id: nil))
            // Who is in already stays: what it was allowed it is allowed for now.
            return session == nil ? close(.away) : ()
        }
        close(.invalidToken)
    }

    // MARK: Messages

    /// A text of the client.
    func received(_ text: [UInt8]) {
        guard !isClosed else { return }
        guard heard() else { return }
        // Answers would pile up for a client that does not read them.
        guard isAsking || !sink.isWritable || !early.isEmpty else { return handle(text) }
        earlyBytes += text.count
        guard earlyBytes <= LiveSettings.earlyBytes else { return close(.tooManyMessages) }
        early.append(text)
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

    /// Something came: a message, a ping, a pong. False where it was one too many.
    @discardableResult
    func heard() -> Bool {
        lastHeard = .now()
        recent += 1
        guard recent > service.settings.mostMessages else { return true }
        close(.tooManyMessages)
        return false
    }

    private func authenticate(_ token: String) {
        // A second token takes the first one's place, before that expires; of somebody else it is refused.
        let before = session?.principal
        credential.token = token
        let credential = credential
        isAsking = true
        onLoop {
            try await $0.service.principal(of: credential)
        } then: { connection, result in
            defer { connection.answered() }
            guard case .success(let principal?) = result else {
                if case .failure(let error) = result { return connection.refuse(error) }
                return connection.close(.invalidToken)
            }
            guard before == nil || before?.id == principal.id else { return connection.close(.invalidToken) }
            connection.welcome(principal)
        }
    }

    /// Asks something elsewhere and comes back to the loop with the answer.
    func onLoop<T: Sendable>(
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
        reader?.task.cancel()
        (snapshots, queue, reader) = ([:], [], nil)
        shard.remove(self)
        service.leave()
        for body in waiting { body() }
        waiting = []
        session = nil
        sink.close(reason)
    }
}
