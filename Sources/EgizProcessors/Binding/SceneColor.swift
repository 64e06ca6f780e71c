import EgizCore

/// Colours of a scene: `#rgb`, `#rrggbb`, `#rrggbbaa` or one of a few names. Plain bytes: one is calculated for each event.
struct SceneColor: Sendable, Equatable {
    private let red: UInt8
    private let green: UInt8
    private let blue: UInt8
    /// 255 where it was not given.
    private let alpha: UInt8
    private let hasAlpha: Bool

    private static let named: [(name: String, color: SceneColor)] = [
        ("black", .init(0, 0, 0)), ("white", .init(255, 255, 255)), ("gray", .init(128, 128, 128)),
        ("grey", .init(128, 128, 128)), ("red", .init(255, 0, 0)), ("green", .init(0, 128, 0)),
        ("lime", .init(0, 255, 0)), ("blue", .init(0, 0, 255)), ("yellow", .init(255, 255, 0)),
        ("orange", .init(255, 165, 0)), ("cyan", .init(0, 255, 255)), ("magenta", .init(255, 0, 255)),
        ("purple", .init(128, 0, 128)), ("brown", .init(165, 42, 42)), ("pink", .init(255, 192, 203)),
        ("silver", .init(192, 192, 192)),
    ]

    private init(_ red: UInt8, _ green: UInt8, _ blue: UInt8, alpha: UInt8? = nil) {
        (self.red, self.green, self.blue) = (red, green, blue)
        (self.alpha, hasAlpha) = (alpha ?? 255, alpha != nil)
    }

    init?(_ text: String) {
        guard text.utf8.first == UInt8(ascii: "#") else {
            guard let known = Self.named.first(where: { $0.name.utf8.elementsEqual(text.utf8) }) else { return nil }
            self = known.color
            return
        }
        // Four bits a digit.
        var (digits, count): (UInt32, Int) = (0, 0)
        for byte in text.utf8.dropFirst() {
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46: digit = byte - 0x37
            case 0x61...0x66: digit = byte - 0x57
            default: return nil
            }
            count += 1
            guard count <= 8 else { return nil }
            digits = digits << 4 | UInt32(digit)
        }
        func part(_ shift: UInt32) -> UInt8 { UInt8(truncatingIfNeeded: digits >> shift) }
        switch count {
        case 3: self.init((part(8) & 15) * 17, (part(4) & 15) * 17, (part(0) & 15) * 17)
        case 6: self.init(part(16), part(8), part(0))
        case 8: self.init(part(24), part(16), part(8), alpha: part(0))
        default: return nil
        }
    }

    /// `; did you mean …`, or nothing.
    static func hint(_ text: String) -> String {
        NearestWord.find(text, among: named.map(\.name)).map { "; did you mean `\($0)`?" } ?? ""
    }

    /// `#rrggbb`, or `#rrggbbaa` where alpha was given: short enough for a string without memory of its own.
    var text: String {
        String(unsafeUninitializedCapacity: 9) { bytes in
            var count = 0
            func write(_ byte: UInt8) {
                bytes.initializeElement(at: count, to: byte)
                count += 1
            }
            func digit(_ value: UInt8) {
                write(value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") - 10 + value)
            }
            func channel(_ value: UInt8) {
                digit(value >> 4)
                digit(value & 15)
            }
            write(UInt8(ascii: "#"))
            channel(red)
            channel(green)
            channel(blue)
            if hasAlpha { channel(alpha) }
            return count
        }
    }

    /// Between two colours, channel by channel; an alpha that only one of them has is 255 in the other.
    static func between(_ a: SceneColor, _ b: SceneColor, at share: Double) -> SceneColor {
        let share = Swift.min(Swift.max(share, 0), 1)
        func between(_ x: UInt8, _ y: UInt8) -> UInt8 {
            UInt8(Double(x) + (Double(y) - Double(x)) * share + 0.5)
        }
        return SceneColor(
            between(a.red, b.red), between(a.green, b.green), between(a.blue, b.blue),
            alpha: a.hasAlpha || b.hasAlpha ? between(a.alpha, b.alpha) : nil)
    }
}
