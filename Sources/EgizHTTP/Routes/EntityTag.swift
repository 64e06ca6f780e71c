/// The entity tag of a twin: its revision, as Ditto writes it.
struct EntityTag {
    /// With its quotes: `"rev:17"`.
    let text: String

    init(revision: Int64) { text = "\"rev:\(revision)\"" }

    /// Whether an If-None-Match names this tag: `*`, or one of a list, weak ones included (RFC 9110, 13.1.2).
    func matches(_ ifNoneMatch: [String]) -> Bool {
        ifNoneMatch.lazy.flatMap { $0.split(separator: ",") }.contains { candidate in
            var candidate = candidate.drop { $0 == " " || $0 == "\t" }
            while let last = candidate.last, last == " " || last == "\t" { candidate.removeLast() }
            if candidate == "*" { return true }
            if candidate.hasPrefix("W/") { candidate = candidate.dropFirst(2) }
            return candidate.utf8.elementsEqual(text.utf8)
        }
    }
}
