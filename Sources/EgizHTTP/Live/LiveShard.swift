import EgizCore
import EgizPostgres
import NIOCore

/// The clients of one event loop, and who of them may be meant by what. Confined to that loop.
///
/// Unchecked: everything mutable is touched on `loop` alone.
final class LiveShard: @unchecked Sendable {
    /// Items, and where a client is that had all up to and with them.
    struct Batch: Sendable {
        var items: [LiveItem]
        /// Nil: the past of the log is not read to its end yet.
        var token: LiveToken?
    }

    let loop: any EventLoop
    /// Where clients are that got everything so far.
    private var token: LiveToken?
    /// As text, for those who were asked: thousands have the same.
    private var tokens: [TokenKey: String] = [:]
    private(set) var connections: [ObjectIdentifier: LiveConnection] = [:]
    /// Those whose subscriptions all name things, by thing.
    private var byThing: [ByteText: [LiveConnection]] = [:]
    private var broad: [LiveConnection] = []
    /// Of the subscriptions there are; one that nobody has any more goes with the next look.
    private var filters: [String: WeakFilter] = [:]
    private var filtersAtNextLook = 64
    /// Of a connection in `byThing`, to leave it again.
    private var places: [ObjectIdentifier: Set<ByteText>] = [:]

    /// What models said lately: it may not be in the database yet.
    private(set) var answers = LiveRecent()

    private struct TokenKey: Hashable {
        var kinds: UInt8
        var sight: UInt64
    }

    private struct WeakFilter {
        weak var filter: LivePathFilter?
    }

    /// Filters that are kept.
    var filterCount: Int { filters.count }

    init(loop: any EventLoop) { self.loop = loop }

    func add(_ connection: LiveConnection) { connections[ObjectIdentifier(connection)] = connection }

    func remove(_ connection: LiveConnection) {
        unlist(connection)
        connections[ObjectIdentifier(connection)] = nil
    }

    /// The connection's subscriptions are others now.
    func list(_ connection: LiveConnection, _ subscriptions: [LiveSubscription]) {
        unlist(connection)
        guard connections[ObjectIdentifier(connection)] != nil, !subscriptions.isEmpty else { return }
        var things: Set<ByteText> = []
        for subscription in subscriptions {
            guard let named = subscription.things else {
                broad.append(connection)
                return
            }
            things.formUnion(named)
        }
        for thing in things { byThing[thing, default: []].append(connection) }
        places[ObjectIdentifier(connection)] = things
    }

    private func unlist(_ connection: LiveConnection) {
        guard let things = places.removeValue(forKey: ObjectIdentifier(connection)) else {
            broad.removeAll { $0 === connection }
            return
        }
        for thing in things {
            byThing[thing]?.removeAll { $0 === connection }
            if byThing[thing]?.isEmpty == true { byThing[thing] = nil }
        }
    }

    /// One filter for all subscriptions with the same patterns; nil where there are none.
    func filter(of subscription: LiveSubscription) -> LivePathFilter? {
        guard !subscription.patterns.isEmpty else { return nil }
        let key = subscription.filterKey
        if let known = filters[key]?.filter { return known }
        if filters.count >= filtersAtNextLook {
            filters = filters.filter { $0.value.filter != nil }
            filtersAtNextLook = max(64, filters.count * 2)
        }
        let made = LivePathFilter(patterns: subscription.patterns)
        filters[key] = WeakFilter(filter: made)
        return made
    }

    /// Where a client is that got everything so far; nil while that is not known.
    ///
    /// - Parameters:
    ///   - kinds: of its subscriptions, as `LiveKind.mask`.
    ///   - sight: what it may see.
    func token(of kinds: UInt8, sight: UInt64) -> String? {
        let key = TokenKey(kinds: kinds, sight: sight)
        if let known = tokens[key] { return known }
        guard var own = token?.restricted(to: kinds) else { return nil }
        own.sight = sight
        let text = own.text
        tokens[key] = text
        return text
    }

    private func set(_ token: LiveToken?) {
        self.token = token
        tokens.removeAll(keepingCapacity: true)
    }

    /// The log goes on.
    func receive(_ batch: Batch) {
        loop.assertInEventLoop()
        set(batch.token)
        var touched: [LiveConnection] = []
        func offer(_ item: LiveItem, to connection: LiveConnection) {
            if connection.offer(item) { touched.append(connection) }
        }
        answers.forget(before: NIODeadline.now() - .seconds(30))
        for item in batch.items {
            if item.kind == .prediction { answers.append(item, at: NIODeadline.now()) }
            if let thing = item.thing, let named = byThing[thing] {
                for connection in named { offer(item, to: connection) }
            }
            for connection in broad { offer(item, to: connection) }
        }
        for connection in touched { connection.flush() }
    }

    /// Things went from one project to another: whom that concerns begins anew.
    func moved(_ moves: [LiveMove]) {
        answers.forget(moves)
        for connection in connections.values { connection.moved(moves) }
    }

    /// Whoever has subscriptions begins anew; where clients are is not known until the next items.
    func restart(_ reason: String) {
        set(nil)
        answers = LiveRecent()
        for connection in connections.values { connection.restart(reason) }
    }

    func closeAll(_ reason: LiveClose) {
        for connection in connections.values { connection.close(reason) }
    }
}
