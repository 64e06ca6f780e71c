import EgizCore

/// The entity tag of what can be changed: its revision, as Ditto writes it.
struct EntityTag: Equatable {
    /// With its quotes: `"rev:17"`.
    let text: String

    init(revision: Int64) { text = "\"rev:\(revision)\"" }

    /// Of what changes its state without another revision: `"rev:17-paused"`.
    init(revision: Int64, state: String?) { text = "\"rev:\(revision)\(state.map { "-\($0)" } ?? "")\"" }

    /// Of what has no revision: of its content.
    init(of content: [UInt8]) { text = "\"sha:\(Base64URL.encode(SHA256.hash(content).prefix(15)))\"" }

    /// Whether an If-None-Match names this tag: `*`, or one of a list, weak ones included (RFC 9110, 13.1.2).
    func matches(_ ifNoneMatch: [String]) -> Bool {
        Self.candidates(ifNoneMatch).contains { candidate in
            if candidate == "*" { return true }
            return (candidate.hasPrefix("W/") ? candidate.dropFirst(2) : candidate).utf8.elementsEqual(text.utf8)
        }
    }

    /// Whether an If-Match names this tag: `*`, or one of a list; weak ones never do (RFC 9110, 13.1.1).
    func isNamed(by ifMatch: [String]) -> Bool {
        Self.candidates(ifMatch).contains { $0 == "*" || $0.utf8.elementsEqual(text.utf8) }
    }

    private static func candidates(_ values: [String]) -> [Substring] {
        values.flatMap { $0.split(separator: ",") }.map { candidate in
            var candidate = candidate.drop { $0 == " " || $0 == "\t" }
            while let last = candidate.last, last == " " || last == "\t" { candidate.removeLast() }
            return candidate
        }
    }
}
