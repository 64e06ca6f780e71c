extension FieldSelector {
    /// Paths deeper than this are refused; no thing that history knows is.
    static let maximumDepth = 64

    /// A selector that is none, in words.
    struct SyntaxError: Error, Equatable {
        var message: String
    }

    /// Reads `a,b/c(d,e(f))`; `~0` and `~1` stand for `~` and `/` as in a JSON pointer, a leading slash is allowed.
    init(parsing text: String) throws(SyntaxError) {
        var reader = Reader(bytes: Array(text.utf8))
        try reader.list(prefix: [])
        if reader.position < reader.bytes.count {
            throw SyntaxError(message: "fields has a ) without a ( before it, at byte \(reader.position + 1).")
        }
        self.init(paths: reader.paths)
    }

    /// Descends through the parentheses and gathers whole paths.
    private struct Reader {
        let bytes: [UInt8]
        var position = 0
        var paths: [[String]] = []

        init(bytes: [UInt8]) { self.bytes = bytes }

        /// list := item ("," item)*
        mutating func list(prefix: [String]) throws(SyntaxError) {
            while true {
                try item(prefix: prefix)
                guard position < bytes.count, bytes[position] == UInt8(ascii: ",") else { return }
                position += 1
            }
        }

        /// item := path [ "(" list ")" ]
        private mutating func item(prefix: [String]) throws(SyntaxError) {
            let start = position
            while position < bytes.count, !Self.isDelimiter(bytes[position]) { position += 1 }
            let path = try prefix + segments(start)
            guard path.count <= FieldSelector.maximumDepth else {
                throw SyntaxError(message: "fields goes deeper than \(FieldSelector.maximumDepth) levels.")
            }
            guard position < bytes.count, bytes[position] == UInt8(ascii: "(") else {
                paths.append(path)
                return
            }
            position += 1
            try list(prefix: path)
            guard position < bytes.count, bytes[position] == UInt8(ascii: ")") else {
                throw SyntaxError(
                    message: "fields has a ( that is never closed, or something between ) and the next comma.")
            }
            position += 1
        }

        private func segments(_ start: Int) throws(SyntaxError) -> [String] {
            var text = bytes[start..<position]
            if text.first == UInt8(ascii: "/") { text.removeFirst() }
            let parts = text.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            if parts.contains(where: \.isEmpty) {
                throw SyntaxError(
                    message: "fields has an empty name at byte \(start + 1); write names as thingId,attributes/a(b,c).")
            }
            return parts.map(Self.unescape)
        }

        private static func isDelimiter(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: ",") || byte == UInt8(ascii: "(") || byte == UInt8(ascii: ")")
        }

        private static func unescape(_ segment: ArraySlice<UInt8>) -> String {
            var result: [UInt8] = []
            var rest = segment
            while let byte = rest.popFirst() {
                if byte == UInt8(ascii: "~"), let next = rest.first,
                    next == UInt8(ascii: "0") || next == UInt8(ascii: "1")
                {
                    result.append(next == UInt8(ascii: "0") ? UInt8(ascii: "~") : UInt8(ascii: "/"))
                    rest.removeFirst()
                } else {
                    result.append(byte)
                }
            }
            return String(decoding: result, as: UTF8.self)
        }
    }
}
