import Foundation
import Glibc

/// Stands between client and server; when armed, cuts the client off right after the server has answered a simple query of
/// that text, so that the answer never arrives.
///
/// Unchecked: `lock` guards what the threads share.
public final class CuttingProxy: @unchecked Sendable {
    public let url: String
    private let lock = NSLock()
    private var armed: (sql: [UInt8], application: String?)?
    private var done = 0
    private let listener: Int32
    private let target: UInt16

    public init(to url: String) throws {
        guard var parts = URLComponents(string: url) else { throw URLError(.badURL) }
        target = UInt16(parts.port ?? 5432)
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        let port = Self.listen(listener)
        parts.host = "127.0.0.1"
        parts.port = Int(port)
        // What is encrypted cannot be watched.
        parts.query = "sslmode=disable"
        self.url = parts.string ?? url
        let thread = Thread { [self] in accept() }
        thread.start()
    }

    private static func listen(_ listener: Int32) -> UInt16 {
        var address = loopback(0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic -> UInt16 in
                guard bind(listener, generic, size) == 0, Glibc.listen(listener, 8) == 0,
                    getsockname(listener, generic, &size) == 0
                else { return 0 }
                return UInt16(bigEndian: pointer.pointee.sin_port)
            }
        }
    }

    /// Cuts once, at the next query of that text, where given of a client whose application name begins so.
    public func cutAfter(_ sql: String, of application: String? = nil) {
        lock.lock()
        armed = (Array(sql.utf8), application)
        lock.unlock()
    }

    /// How often it has cut.
    public var cuts: Int {
        lock.lock()
        defer { lock.unlock() }
        return done
    }

    private func accept() {
        while true {
            let client = Glibc.accept(listener, nil, nil)
            guard client >= 0 else { return }
            let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = Self.loopback(target)
            let connected = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard connected == 0 else {
                close(client)
                continue
            }
            let thread = Thread { [self] in relay(client, server) }
            thread.start()
        }
    }

    private func relay(_ client: Int32, _ server: Int32) {
        defer {
            close(client)
            close(server)
        }
        var isLast = false
        var application: String?
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            var both = [
                pollfd(fd: client, events: Int16(POLLIN), revents: 0),
                pollfd(fd: server, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&both, 2, -1) > 0 else { return }
            if both[0].revents != 0 {
                let n = recv(client, &buffer, buffer.count, 0)
                guard n > 0, send(server, buffer, n, Int32(MSG_NOSIGNAL)) == n else { return }
                // The first message is the start of the session: pairs of texts, each ended by a zero.
                let name = application ?? Self.application(buffer[0..<n])
                application = name
                isLast = isLast || takes(buffer[0..<n], of: name)
            }
            if both[1].revents != 0 {
                let n = recv(server, &buffer, buffer.count, 0)
                // The server has done it; the answer ends here.
                guard n > 0, !isLast, send(client, buffer, n, Int32(MSG_NOSIGNAL)) == n else { return }
            }
        }
    }

    private static func application(_ start: ArraySlice<UInt8>) -> String {
        let texts = start.dropFirst(8).split(separator: 0, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard let index = texts.firstIndex(of: "application_name"), index + 1 < texts.count else { return "" }
        return texts[index + 1]
    }

    private func takes(_ bytes: ArraySlice<UInt8>, of application: String) -> Bool {
        lock.lock()
        defer { lock.unlock() }
        // A simple query: 'Q', four bytes of length, the text, a zero.
        guard let armed, application.hasPrefix(armed.application ?? ""), bytes.first == 0x51,
            bytes.dropFirst(5).elementsEqual(armed.sql + [0])
        else { return false }
        self.armed = nil
        done += 1
        return true
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
        return address
    }
}
