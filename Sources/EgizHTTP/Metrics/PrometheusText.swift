/// The rules of Prometheus' text format, version 0.0.4.
enum PrometheusText {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`; every other character becomes `_`.
    static func metricName(_ name: String) -> String { sanitized(name, colon: true) }

    /// `topology="a",source="b"`; label names are sanitised, values escaped. Of equal names the last one stays.
    static func labels(_ dimensions: [(String, String)]) -> String {
        var seen: [(name: String, value: String)] = []
        for (name, value) in dimensions {
            let name = sanitized(name, colon: false)
            if let index = seen.firstIndex(where: { $0.name == name }) {
                seen[index].value = value
            } else {
                seen.append((name, value))
            }
        }
        return seen.map { "\($0.name)=\"\(escaped($0.value, quote: true))\"" }.joined(separator: ",")
    }

    static func escapedHelp(_ text: String) -> String { escaped(text, quote: false) }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return NumberText.text(value)
    }

    private static func sanitized(_ name: String, colon: Bool) -> String {
        var result: [UInt8] = []
        for byte in name.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
                result.append(byte)
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                if result.isEmpty { result.append(UInt8(ascii: "_")) }
                result.append(byte)
            case UInt8(ascii: ":") where colon: result.append(byte)
            default: result.append(UInt8(ascii: "_"))
            }
        }
        return result.isEmpty ? "_" : String(decoding: result, as: UTF8.self)
    }

    private static func escaped(_ text: String, quote: Bool) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quote: result += "\\\""
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
