import EgizCore

/// An opaque place in a list: where the next page starts, bound to the question it came from.
///
/// Base64url of `<kind>;<crc of the question>;<place>`. Nothing in it is secret; the checksum only keeps a cursor from
/// being used with other filters, where it would give a page that looks right and is not.
struct PageCursor: Equatable {
    /// What the list is of; cursors of one list do not fit another.
    enum Kind: String {
        case twins = "t1", samples = "s1", buckets = "b1", letters = "d1", alerts = "a1", allAlerts = "a2"
        case manySamples = "s2", manyBuckets = "b2", types = "y1", models = "m1", predictions = "q1", tasks = "k1"
        case users = "u1", projects = "p1", namespaces = "n1", things = "o1", audit = "l1"
        case members = "e1", keys = "h1", invitations = "i1", bindings = "c1", versions = "v1"
        case scene = "w1", latest = "r1", nodes = "x1", ownPredictions = "q2", topologies = "g1"
    }

    var kind: Kind
    var question: UInt32
    var place: String

    init(_ kind: Kind, question: [String?], place: String) {
        self.kind = kind
        self.question = Self.checksum(question)
        self.place = place
    }

    /// The cursor in `text`, if it is one of this kind for the same question.
    init?(_ kind: Kind, question: [String?], parsing text: String) {
        guard let bytes = Base64URL.decode(text), let plain = String(validating: bytes, as: UTF8.self),
            // Postgres' texts cannot hold it.
            !bytes.contains(0)
        else {
            return nil
        }
        let parts = plain.split(separator: ";", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == kind.rawValue, let found = UInt32(parts[1], radix: 16),
            found == Self.checksum(question)
        else { return nil }
        self.kind = kind
        self.question = found
        self.place = String(parts[2])
    }

    var text: String { Base64URL.encode("\(kind.rawValue);\(String(question, radix: 16));\(place)".utf8) }

    private static func checksum(_ question: [String?]) -> UInt32 {
        var crc = CRC32()
        for part in question {
            // The length keeps ("ab", "c") and ("a", "bc") apart.
            let framed = Array("\(part.map { "\($0.utf8.count)" } ?? "-"):\(part ?? "");".utf8)
            framed.withUnsafeBytes { crc.update($0) }
        }
        return crc.value
    }
}
