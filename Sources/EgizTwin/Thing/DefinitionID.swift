/// The identifiers of thing and feature definitions.
enum DefinitionID {
    /// `seg:seg:seg` with seg = `[A-Za-z0-9_.-]+`, or an http or https URL with a host.
    static func isValid(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return isTriple(bytes) || isURL(bytes)
    }

    private static func isTriple(_ bytes: [UInt8]) -> Bool {
        let segments = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        return segments.count == 3
            && segments.allSatisfy { segment in
                !segment.isEmpty
                    && segment.allSatisfy { byte in
                        switch byte {
                        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."),
                            UInt8(ascii: "-"):
                            true
                        default: false
                        }
                    }
            }
    }

    private static func isURL(_ bytes: [UInt8]) -> Bool {
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else { return false }
        let scheme = bytes[..<colon].map { (65...90).contains($0) ? $0 | 0x20 : $0 }
        guard scheme == Array("http".utf8) || scheme == Array("https".utf8) else { return false }
        let rest = bytes[(colon + 1)...]
        guard rest.starts(with: "//".utf8) else { return false }
        let ends: Set<UInt8> = [UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#")]
        var authority = rest.dropFirst(2).prefix { !ends.contains($0) }
        if let at = authority.lastIndex(of: UInt8(ascii: "@")) { authority = authority[(at + 1)...] }
        if authority.first == UInt8(ascii: "[") {
            guard let close = authority.firstIndex(of: UInt8(ascii: "]")) else { return false }
            return close > authority.startIndex + 1 && isPort(authority[(close + 1)...])
        }
        let host = authority.prefix { $0 != UInt8(ascii: ":") }
        return !host.isEmpty && isPort(authority[host.endIndex...])
    }

    /// Nothing, or a colon and digits.
    private static func isPort(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.isEmpty
            || (bytes.first == UInt8(ascii: ":")
                && bytes.dropFirst().allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
    }
}
