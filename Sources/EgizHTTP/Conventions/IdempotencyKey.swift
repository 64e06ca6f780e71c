import EgizCore
import EgizPostgres
import HTTPTypes

/// A POST that is sent twice happens once: the answer is kept with the key for 24 hours, in the transaction of the change.
///
/// Two at once: the second waits for the first one's row, then answers as it did. What failed keeps nothing, so it can be tried again.
struct IdempotencyKey: Sendable {
    private static let longest = 255
    /// Rows beyond their time that one POST clears away.
    private static let swept = 100

    let key: String
    /// Who sent it, and to which path: keys of others are theirs.
    let owner: String
    let path: String
    /// SHA-256 of path, query and body.
    let digest: [UInt8]

    /// Nil where the request carries none.
    init?(_ request: APIRequest) throws(Problem) {
        guard let key = request.headers[.idempotencyKey] else { return nil }
        guard (1...Self.longest).contains(key.utf8.count), key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .header(
                "Idempotency-Key", "An Idempotency-Key has 1 to \(Self.longest) printable characters, such as a UUID.")
        }
        self.key = key
        owner = request.principal?.id ?? ""
        path = request.path
        digest = SHA256.hash(Array("\(request.path)?\(request.query ?? "")\n".utf8) + request.body)
    }

    /// Runs `change` inside the caller's transaction, or gives what it answered before.
    func once(
        _ connection: PostgresConnection, _ change: (PostgresConnection) throws -> APIAnswer
    ) throws -> APIAnswer {
        _ = try connection.query(
            """
            delete from egiz.idempotency where ctid = any(array(
                select ctid from egiz.idempotency where kept_until < now() limit $1 for update skip locked))
            """, [.int64(Int64(Self.swept))])
        let mine: [PostgresValue] = [.text(owner), .text(path), .text(key), .bytes(digest)]
        let made = try connection.query(
            """
            insert into egiz.idempotency (owner, path, key, digest, kept_until)
            values ($1, $2, $3, $4, now() + interval '24 hours')
            on conflict (owner, path, key) do update
                set digest = excluded.digest, kept_until = excluded.kept_until, status = null
                where idempotency.kept_until < now()
            returning 1
            """, mine)
        if made.first == nil { return try stored(connection) }
        var answer = try change(connection)
        answer.isReplayed = false
        _ = try connection.query(
            """
            update egiz.idempotency set status = $4, body = $5, etag = $6, location = $7
            where owner = $1 and path = $2 and key = $3
            """,
            [
                .text(owner), .text(path), .text(key), .int64(Int64(answer.status.code)),
                answer.body.map { .bytes($0) } ?? .null, .optional(answer.eTag), .optional(answer.location),
            ])
        return answer
    }

    private func stored(_ connection: PostgresConnection) throws -> APIAnswer {
        let rows = try connection.query(
            """
            select digest, status, body, etag, location from egiz.idempotency
            where owner = $1 and path = $2 and key = $3
            """, [.text(owner), .text(path), .text(key)])
        guard let row = rows.first, let status = row.int64(1) else { throw Problem.idempotencyLost }
        guard row.bytes(0) == digest else { throw Problem.idempotencyReused }
        return APIAnswer(
            status: HTTPResponse.Status(code: Int(status)), body: row.bytes(2), eTag: row.text(3),
            location: row.text(4),
            isReplayed: true)
    }
}

extension PostgresPool {
    /// Runs the change of one request in one transaction; a POST with an `Idempotency-Key` happens once.
    ///
    /// What `change` throws rolls everything back. It runs on a thread of the pool and may block.
    func change(
        _ request: APIRequest, _ change: @escaping @Sendable (PostgresConnection) throws -> APIAnswer
    ) async throws -> APIAnswer {
        let key = try request.method == .post ? IdempotencyKey(request) : nil
        return try await run { connection in
            try connection.execute("begin")
            let answer = try key.map { try $0.once(connection, change) } ?? change(connection)
            try connection.execute("commit")
            return answer
        }
    }
}

extension Problem {
    /// A header that cannot be used.
    static func header(_ name: String, _ detail: String) -> Problem {
        Problem(
            code: "header", status: .badRequest, title: "A header is not usable", detail: detail,
            faults: [Fault(parameter: name, detail: detail)])
    }

    static let idempotencyReused = Problem(
        code: "idempotency-key-reused", status: .unprocessableContent, title: "The key was used for something else",
        detail: "This Idempotency-Key came with another body within the last 24 hours. Use a new key for a new request."
    )

    /// The first request with the key was rolled back after the second had waited for it.
    static let idempotencyLost = Problem(
        code: "idempotency-key-busy", status: .conflict, title: "A request with this key is under way",
        detail: "Another request with this Idempotency-Key has not ended yet; try again.", headers: [.retryAfter: "1"])
}
