import EgizCore
import NIOCore

/// The clients of one event loop, and who of them may be meant by what. Confined to that loop.
///
/// Unchecked: everything mutable is touched on `loop` alone.
final class LiveShard: @unchecked Sendable {
    /// Items, and where a client is that had all up to and with them.
    struct Batch: Sendable {
        var items: [LiveItem]
        var token: String
    }

    let loop: any EventLoop
    /// Where clients are that got everything so far.
    private(set) var token: String?
    private(set) var connections: [ObjectIdentifier: LiveConnection] = [:]
    /// Those whose subscriptions all name things, by thing.
    private var byThing: [ByteText: [LiveConnection]] = [:]
    private var broad: [LiveConnection] = []
    private var filters: [String: LivePathFilter] = [:]
    /// Of a connection in `byThing`, to leave it again.
    private var places: [ObjectIdentifier: Set<ByteText>] = [:]

    init(loop: any EventLoop) { self.loop = loop }

    func add(_ connection: LiveConnection) { connections[ObjectIdentifier(connection)] = connection }

    func remove(_ connection: LiveConnection) {
        unlist(connection)
        connections[ObjectIdentifier(connection)] = nil
        // Filters of subscriptions that are gone.
        if connections.isEmpty { filters.removeAll() }
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
        if let known = filters[key] { return known }
        let made = LivePathFilter(patterns: subscription.patterns)
        filters[key] = made
        return made
    }

    /// The log goes on.
    func receive(_ batch: Batch) {
        loop.assertInEventLoop()
        token = batch.token
        var touched: [LiveConnection] = []
        func offer(_ item: LiveItem, to connection: LiveConnection) {
            if connection.offer(item) { touched.append(connection) }
        }
        for item in batch.items {
            if let thing = item.thing, let named = byThing[thing] {
                for connection in named { offer(item, to: connection) }
            }
            for connection in broad { offer(item, to: connection) }
        }
        for connection in touched { connection.flush() }
    }

    /// Another log: whoever has subscriptions begins anew.
    func restart(_ reason: String, token: String) {
        self.token = token
        for connection in connections.values { connection.restart(reason) }
    }

    func closeAll(_ reason: LiveClose) {
        for connection in connections.values { connection.close(reason) }
    }
}
