import Glibc

/// One client's connection and the one that stands for it at the target. Owned by the forwarder's thread.
///
/// Each direction holds at most 64 KiB: a side that does not read stops the other one. When one side ends its stream, what is
/// under way is delivered, then the end is passed on; the other direction lives until it ends too.
struct ForwardedConnection: ~Copyable {
    private static let capacity = 64 << 10

    let client: Int32
    let target: Int32
    private var isConnecting = true
    private var toTarget = RelayBuffer(capacity: capacity)
    private var toClient = RelayBuffer(capacity: capacity)
    /// The side has ended its stream; `…Told`: the other side knows.
    private var clientEnded = false
    private var targetEnded = false
    private var targetTold = false
    private var clientTold = false

    init(client: Int32, target: Int32) {
        self.client = client
        self.target = target
    }

    deinit {
        close(client)
        close(target)
    }

    /// What to wait for on the client's socket. Errors and hang-ups are always reported by poll(2).
    var clientEvents: Int16 {
        var events: Int32 = 0
        if !clientEnded, toTarget.hasRoom { events |= POLLIN }
        if !toClient.isEmpty { events |= POLLOUT }
        return Int16(events)
    }

    var targetEvents: Int16 {
        if isConnecting { return Int16(POLLOUT) }
        var events: Int32 = 0
        if !targetEnded, toClient.hasRoom { events |= POLLIN }
        if !toTarget.isEmpty { events |= POLLOUT }
        return Int16(events)
    }

    /// Moves bytes after poll(2). False where the connection is over.
    mutating func serve(client clientReady: Int16, target targetReady: Int16) -> Bool {
        if isConnecting, targetReady != 0 {
            var code: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(target, SOL_SOCKET, SO_ERROR, &code, &length)
            if code != 0 { return false }
            isConnecting = false
        }
        let failed = Int16(POLLERR | POLLNVAL)
        if clientReady & failed != 0 || targetReady & failed != 0 { return false }
        // A hang-up counts as readable: the read finds the end, or what was left before it.
        let readable = Int16(POLLIN | POLLHUP)
        if clientReady & readable != 0, !clientEnded, toTarget.hasRoom {
            guard Self.note(toTarget.fill(from: client), ended: &clientEnded) else { return false }
        }
        if !isConnecting, targetReady & readable != 0, !targetEnded, toClient.hasRoom {
            guard Self.note(toClient.fill(from: target), ended: &targetEnded) else { return false }
        }
        if !isConnecting, !toTarget.isEmpty, toTarget.drain(into: target) == .failed { return false }
        if !toClient.isEmpty, toClient.drain(into: client) == .failed { return false }
        if clientEnded, toTarget.isEmpty, !targetTold, !isConnecting {
            shutdown(target, Int32(SHUT_WR))
            targetTold = true
        }
        if targetEnded, toClient.isEmpty, !clientTold {
            shutdown(client, Int32(SHUT_WR))
            clientTold = true
        }
        // Both streams are over; or a side hung up altogether and nothing can reach it any more.
        if targetTold && clientTold { return false }
        let gone = Int16(POLLHUP)
        return !(clientReady & gone != 0 && clientEnded)
            && !(targetReady & gone != 0 && targetEnded && toClient.isEmpty)
    }

    private static func note(_ outcome: RelayBuffer.Outcome, ended: inout Bool) -> Bool {
        if outcome == .ended { ended = true }
        return outcome != .failed
    }
}
