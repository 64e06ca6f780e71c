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
}
