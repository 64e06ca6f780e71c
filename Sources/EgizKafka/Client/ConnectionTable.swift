import Glibc

/// The forwarder's connections, in the order of their poll(2) entries. Owned by its thread.
struct ConnectionTable: ~Copyable {
    /// A box, because arrays cannot hold what cannot be copied.
    private final class Entry {
        var connection: ForwardedConnection
        init(_ connection: consuming ForwardedConnection) { self.connection = connection }
    }

    private var entries: [Entry] = []

    var count: Int { entries.count }

    mutating func add(_ connection: consuming ForwardedConnection) { entries.append(Entry(connection)) }

    /// Two entries for each connection: client, target.
    func appendWaits(to waits: inout [pollfd]) {
        for entry in entries {
            // A negative descriptor is skipped: what hung up and is only waiting to be drained would be reported for ever.
            let (client, target) = (entry.connection.clientEvents, entry.connection.targetEvents)
            waits.append(pollfd(fd: client == 0 ? -1 : entry.connection.client, events: client, revents: 0))
            waits.append(pollfd(fd: target == 0 ? -1 : entry.connection.target, events: target, revents: 0))
        }
    }

    /// Serves each connection that poll(2) reported and closes those that are over.
    mutating func serve(_ waits: ArraySlice<pollfd>) {
        var kept: [Entry] = []
        kept.reserveCapacity(entries.count)
        var index = waits.startIndex
        for entry in entries {
            let (client, target) = (waits[index].revents, waits[index + 1].revents)
            index += 2
            if client == 0 && target == 0 || entry.connection.serve(client: client, target: target) {
                kept.append(entry)
            }
        }
        entries = kept
    }
}
