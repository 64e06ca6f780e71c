/// What Postgres' text cannot hold: U+0000 is written as the six characters `\u0000`.
enum TextColumn {
    static func escapingNUL(_ text: String) -> String {
        guard text.utf8.contains(0) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if scalar.value == 0 { result += "\\u0000" } else { result.unicodeScalars.append(scalar) }
        }
        return result
    }

    /// The longest beginning of whole characters within that many bytes of UTF-8.
    static func cut(_ text: String, toBytes most: Int) -> String {
        guard text.utf8.count > most else { return text }
        var result = String.UnicodeScalarView()
        var bytes = 0
        for scalar in text.unicodeScalars {
            bytes += UTF8.width(scalar)
            if bytes > most { break }
            result.append(scalar)
        }
        return String(result)
    }
}
