/// A hash that is the same in every process, FNV-1a of 64 bits: says whether rules are those of before.
public struct Fingerprint: Sendable {
    public private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    public init() {}

    private mutating func combine(byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }

    /// The text and its end.
    public mutating func combine(_ text: String) {
        for byte in text.utf8 { combine(byte: byte) }
        combine(byte: 0xFF)
    }

    public mutating func combine(_ number: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            combine(byte: UInt8(truncatingIfNeeded: number >> shift))
        }
    }

    /// Contents without places: a moved line is no change.
    public mutating func combine(_ config: ConfigValue) {
        switch config.content {
        case .null: combine("n")
        case .bool(let flag): combine(flag ? "t" : "f")
        case .int(let number): combine("i\(number)")
        case .double(let number): combine("d\(number)")
        case .string(let text): combine("s" + text)
        case .list(let items):
            combine("[\(items.count)")
            for item in items { combine(item) }
        case .map(let members):
            combine("{\(members.count)")
            for member in members {
                combine(member.key)
                combine(member.value)
            }
        }
    }
}
