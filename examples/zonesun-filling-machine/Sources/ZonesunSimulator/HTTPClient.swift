import Foundation

/// A GET over a plain socket: all that the simulator asks of the API, without libcurl and whatever proxy the environment
/// names. One connection a request.
struct HTTPClient {
    struct Response {
        var status: Int
        var body: [UInt8]
    }

    struct Failure: Error { let reason: String }

    let host: String
    let port: String

    var address: String { "http://\(host):\(port)" }

    /// Nil unless `address` is `http://host[:port]`.
    init?(_ address: String) {
        guard let url = URLComponents(string: address), url.scheme == "http", let host = url.host, !host.isEmpty,
            url.path.isEmpty || url.path == "/", url.query == nil
        else { return nil }
        self.host = host.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        port = "\(url.port ?? 80)"
    }

    /// Errors: the server cannot be reached, is silent for 5 s, or does not speak HTTP.
    func get(_ target: String) throws(Failure) -> Response {
        let socket = try connect()
        defer { close(socket) }
        let request =
            "GET \(target) HTTP/1.1\r\nHost: \(host):\(port)\r\nAccept: application/json\r\nConnection: close\r\n\r\n"
        let bytes = Array(request.utf8)
        guard send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw Failure(reason: "the request cannot be sent: \(Self.reason)")
        }
        return try Self.parse(try read(socket))
    }

    private func connect() throws(Failure) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, port, &hints, &list)
        guard code == 0 else { throw Failure(reason: "\(host): \(String(cString: gai_strerror(code)))") }
        defer { freeaddrinfo(list) }
        var reason = "no address"
        var next = list
        while let candidate = next?.pointee {
            next = candidate.ai_next
            let socket = socket(candidate.ai_family, candidate.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard socket >= 0 else { continue }
            var limit = timeval(tv_sec: 5, tv_usec: 0)
            setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            if Glibc.connect(socket, candidate.ai_addr, candidate.ai_addrlen) == 0 { return socket }
            reason = Self.reason
            close(socket)
        }
        throw Failure(reason: reason)
    }

    /// Everything until the server closes, up to 4 MiB.
    private func read(_ socket: Int32) throws(Failure) -> [UInt8] {
        var all: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = recv(socket, &part, part.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Failure(reason: "no answer: \(Self.reason)") }
            if count == 0 { return all }
            all += part[..<count]
            guard all.count <= 4 << 20 else { throw Failure(reason: "the answer is larger than 4 MiB") }
        }
    }

    /// Takes status and body out of a whole answer, chunked or not.
    static func parse(_ answer: [UInt8]) throws(Failure) -> Response {
        guard let end = answer.firstRange(of: Array("\r\n\r\n".utf8)) else {
            throw Failure(reason: "the answer is no HTTP")
        }
        let lines = String(decoding: answer[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw Failure(reason: "the answer is no HTTP")
        }
        let isChunked = lines.contains {
            let line = $0.lowercased()
            return line.hasPrefix("transfer-encoding:") && line.hasSuffix("chunked")
        }
        let body = answer[end.upperBound...]
        return Response(status: status, body: isChunked ? try dechunk(body) : Array(body))
    }

    private static func dechunk(_ bytes: ArraySlice<UInt8>) throws(Failure) -> [UInt8] {
        var rest = bytes
        var body: [UInt8] = []
        while let line = rest.firstRange(of: Array("\r\n".utf8)) {
            let size = String(decoding: rest[..<line.lowerBound].prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self)
            guard let count = Int(size, radix: 16), count >= 0, count <= rest.endIndex - line.upperBound else { break }
            if count == 0 { return body }
            body += rest[line.upperBound..<(line.upperBound + count)]
            rest = rest[(line.upperBound + count)...].dropFirst(2)
        }
        throw Failure(reason: "the answer ends in the middle")
    }

    private static var reason: String { String(cString: strerror(errno)) }
}
