import CPQ
public import EgizCore

extension EngineError {
    /// The class of a SQLSTATE: what the class of the failure lets us do next (rule 6).
    public static func retry(forSQLState state: String?) -> Retry {
        guard let state, state.utf8.count == 5 else { return .backoff }
        switch state {
        case "55P03", "55006": return .backoff  // lock not available, object in use
        case "25P03", "25P04": return .backoff  // the server ended a session that was idle in a transaction
        case "0A000": return .backoff  // "cached plan must not change result type": the statement is prepared anew
        default: break
        }
        switch state.prefix(2) {
        case "08", "40", "53", "57", "58": return .backoff
        case "22", "23", "54": return .never
        default: return .stop
        }
    }

    /// True where the server refused the data itself: the epoch is redone in halves (rule 6).
    public var isPostgresDataError: Bool { code == .postgres && retry == .never }
}

/// Texts of libpq, cut down to what may be logged.
enum PostgresText {
    static func trimmed(_ text: UnsafePointer<CChar>?) -> String {
        guard let text else { return "" }
        var result = String(cString: text)
        while let last = result.last, last.isNewline || last == " " { result.removeLast() }
        return result
    }

    /// The first line: DETAIL, HINT and CONTEXT may quote rows.
    static func firstLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).first.map(String.init) ?? text
    }

    /// The SQLSTATE in a verbose message (`FATAL:  28P01: password authentication failed …`, always after a colon and two
    /// spaces) and the text behind it; the whole message where there is none.
    static func sqlState(inVerbose message: String) -> (state: String?, text: String) {
        let bytes = Array(message.utf8)
        var index = 0
        while index + 9 <= bytes.count {
            defer { index += 1 }
            guard bytes[index] == 0x3A, bytes[index + 1] == 0x20, bytes[index + 2] == 0x20, bytes[index + 8] == 0x3A,
                bytes[(index + 3)..<(index + 8)].allSatisfy({ (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) }
                )
            else { continue }
            let state = String(decoding: bytes[(index + 3)..<(index + 8)], as: UTF8.self)
            let rest = String(decoding: bytes[(index + 9)...].drop { $0 == 0x20 }, as: UTF8.self)
            return (state, firstLine(rest))
        }
        return (nil, message)
    }
}
