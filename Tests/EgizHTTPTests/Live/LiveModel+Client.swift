import EgizCore
import EgizPostgres
import EgizTwin
import TestSupport

@testable import EgizHTTP

/// What comes between, what the client does, and whether it has the truth.
extension LiveModel {
    // MARK: What comes between

    mutating func changeRights() throws {
        let (a, b) = (LiveFixture.projectA, LiveFixture.projectB)
        let principals = [
            LiveFixture.admin, LiveFixture.member(), LiveFixture.member(a), LiveFixture.member(b),
            LiveFixture.member(a, b),
        ]
        principal = principals[roll(5)]
        let rights = session.update(principal)
        guard rights != .same else { return }
        client.wire.append(.access(isAdmin: principal.isAdmin, projects: []))
        if rights == .more {
            try restart()
        } else {
            for job in jobs { try resync(job.subscription) }
        }
        dropForbidden()
    }

    /// A thing goes to another project; the hub looks later.
    mutating func move() {
        let thing = LiveWorld.things[roll(5)]
        let after = [LiveFixture.projectA, LiveFixture.projectB, nil][roll(3)]
        guard after != world.projects[thing] else { return }
        moves.append(
            LiveMove(
                id: Int64(moves.count + 1), subject: thing.text, isNamespace: false, before: world.projects[thing],
                after: after))
        world.projects[thing] = after
    }

    mutating func look() throws {
        let found = Array(moves[looked...])
        looked = moves.count
        guard !found.isEmpty else { return }
        for move in found {
            let thing = ByteText(move.subject)
            known[thing] = move.after
            answers.removeAll { $0.thing == thing }
            // Looks are seconds apart: by then the database has what models said.
            world.store(thing)
        }
        guard session.isConcerned(by: found) else { return }
        try restart()
        dropForbidden()
    }

    mutating func restartLog() throws {
        counts.restarts += 1
        logs += 1
        answers = []
        world.restartLog()
        history.restart(log: "log-\(logs)")
        try restart()
    }

    // MARK: The client

    mutating func read(_ count: Int) throws {
        let (principal, projects) = (principal, world.projects)
        try client.read(count) { principal.role(in: projects[$0]) != nil }
    }

    mutating func subscribe() throws {
        guard client.subscriptions.count < 4 else { return }
        names += 1
        var subscription = LiveFixture.subscription("s\(names)", kinds: [.twin, .alert, .prediction])
        switch roll(4) {
        case 0: subscription.things = ["t:b", "t:d"]
        case 1: subscription.projects = Set([LiveFixture.projectA].compactMap(\.self))
        default: break
        }
        if roll(3) == 0 { subscription.kinds = [.twin] }
        let patterns: [[String]] = [[], ["/features/**"], ["/attributes/x", "/features/f/**"]]
        subscription.patterns = patterns[roll(3)].compactMap { PathPattern($0) }
        guard mayAsk(subscription) else { return }
        client.subscriptions[subscription.id] = subscription
        try start(subscription)
    }

    mutating func unsubscribe() throws {
        guard let id = client.subscriptions.keys.sorted().randomElement(using: &random) else { return }
        drop(id)
        client.wire.append(.unsubscribed(id))
    }

    /// What is on its way is lost; the client comes back with its token.
    mutating func reconnect() throws {
        client.wire = []
        (jobs, isWritable) = ([], true)
        session = LiveSession(principal: principal, mostBytes: 2000)
        let token = client.token.flatMap { LiveToken(parsing: $0) }
        for (id, subscription) in client.subscriptions.sorted(by: { $0.key < $1.key }) {
            guard mayAsk(subscription) else {
                client.subscriptions[id] = nil
                client.forget(id)
                continue
            }
            guard client.complete.contains(id), let token else {
                client.forget(id)
                try start(subscription)
                continue
            }
            let since = moves[..<looked].filter { $0.id > token.moves }
            guard let items = history.since(token, kinds: LiveKind.mask(subscription.kinds)),
                token.sight == principal.sight, !since.contains(where: { $0.concerns(subscription, of: principal) })
            else {
                try resync(subscription)
                continue
            }
            counts.resumed += 1
            try enter(subscription, waits: false)
            session.replay(items, to: id)
            let isComplete = !session.isWaiting && !session.hasPending && !session.hasOverflowed
            client.wire.append(.live(id, resume: isComplete ? present : nil))
            try send()
        }
    }

    // MARK: The truth

    /// What a subscription of the client shows otherwise than it is.
    mutating func faults() throws -> [String] {
        var faults: [String] = []
        for (id, subscription) in client.subscriptions.sorted(by: { $0.key < $1.key }) {
            for thing in LiveWorld.things where shows(subscription, thing, world.projects, principal) {
                counts.compared += 1
                let copy = client.copies[id]?[thing] ?? LiveReader.Copy()
                func compare(_ kind: LiveKind, _ told: String, _ truth: String) {
                    guard subscription.kinds.contains(kind), told != truth else { return }
                    faults.append("\(id) \(thing.text) \(kind): told \(told), but it is \(truth)")
                }
                let (told, truth) = (shown(copy.twin, subscription), shown(world.twins[thing], subscription))
                if told != truth { compare(.twin, "\(text(told)) told", "\(text(truth)) true") }
                let alerts = (world.alerts[thing] ?? [:]).map { "\($0.key) \($0.value.raisedAt) \($0.value.revision)" }
                compare(
                    .alert, copy.alerts.map { "\($0.key) \($0.value)" }.sorted().joined(separator: ","),
                    alerts.sorted().joined(separator: ","))
                compare(.prediction, "\(copy.answer ?? 0)", "\(world.stored[thing]?.revision ?? 0)")
            }
        }
        return faults
    }

    /// Without the revision where changes of other paths are not told.
    func shown(_ twin: TwinCopy?, _ subscription: LiveSubscription) -> JSONObject? {
        guard let document = twin?.document else { return nil }
        var shown = LiveWorld.shown(.object(document), to: subscription)?.object ?? JSONObject()
        if !subscription.patterns.isEmpty { shown["_revision"] = nil }
        return shown
    }

    func text(_ document: JSONObject?) -> String { document.map { JSONValue.object($0).text } ?? "nothing" }
}
