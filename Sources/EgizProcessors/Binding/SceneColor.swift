import EgizCore

/// Colours of a scene: `#rgb`, `#rrggbb`, `#rrggbbaa` or one of a few names.
struct SceneColor: Sendable, Equatable {
    /// Red, green, blue, and where it was given alpha; 0 to 255.
    let channels: [UInt8]

    private static let named: [(name: String, channels: [UInt8])] = [
        ("black", [0, 0, 0]), ("white", [255, 255, 255]), ("gray", [128, 128, 128]), ("grey", [128, 128, 128]),
        ("red", [255, 0, 0]), ("green", [0, 128, 0]), ("lime", [0, 255, 0]), ("blue", [0, 0, 255]),
        ("yellow", [255, 255, 0]), ("orange", [255, 165, 0]), ("cyan", [0, 255, 255]), ("magenta", [255, 0, 255]),
        ("purple", [128, 0, 128]), ("brown", [165, 42, 42]), ("pink", [255, 192, 203]), ("silver", [192, 192, 192]),
    ]

    init(channels: [UInt8]) { self.channels = channels }

    init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.first == UInt8(ascii: "#") else {
            guard let known = Self.named.first(where: { $0.name.utf8.elementsEqual(bytes) }) else { return nil }
            channels = known.channels
            return
        }
        var digits: [UInt8] = []
        for byte in bytes.dropFirst() {
            switch byte {
            case 0x30...0x39: digits.append(byte - 0x30)
            case 0x41...0x46: digits.append(byte - 0x37)
            case 0x61...0x66: digits.append(byte - 0x57)
            default: return nil
            }
        }
        switch digits.count {
        case 3: channels = digits.map { $0 * 17 }
        case 6, 8: channels = stride(from: 0, to: digits.count, by: 2).map { digits[$0] * 16 + digits[$0 + 1] }
        default: return nil
        }
    }

    /// `; did you mean …`, or nothing.
    static func hint(_ text: String) -> String {
        NearestWord.find(text, among: named.map(\.name)).map { "; did you mean `\($0)`?" } ?? ""
    }

    var text: String {
        let digits = Array("0123456789abcdef".utf8)
        var bytes: [UInt8] = [UInt8(ascii: "#")]
        for channel in channels {
            bytes.append(digits[Int(channel >> 4)])
            bytes.append(digits[Int(channel & 15)])
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Between two colours, channel by channel; an alpha that only one of them has is 255 in the other.
    static func between(_ a: SceneColor, _ b: SceneColor, at share: Double) -> SceneColor {
        let count = Swift.max(a.channels.count, b.channels.count)
        let share = Swift.min(Swift.max(share, 0), 1)
        return SceneColor(
            channels: (0..<count).map { index in
                let x = index < a.channels.count ? Double(a.channels[index]) : 255
                let y = index < b.channels.count ? Double(b.channels[index]) : 255
                return UInt8(x + (y - x) * share + 0.5)
            })
    }
}
