/// Reads what `StateWriter` wrote. Every length is checked: broken bytes give a fault, never a trap.
public struct StateReader {
    private let bytes: [UInt8]
    private var position = 0

    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    public var isAtEnd: Bool { position == bytes.count }

    public mutating func byte() throws(StateFault) -> UInt8 {
        guard position < bytes.count else { throw StateFault("it ends in the middle, at byte \(position)") }
        defer { position += 1 }
        return bytes[position]
    }

    public mutating func bool() throws(StateFault) -> Bool {
        switch try byte() {
        case 0: return false
        case 1: return true
        case let other: throw StateFault("byte \(position - 1) is \(other), expected 0 or 1")
        }
    }

    public mutating func int64() throws(StateFault) -> Int64 { Int64(bitPattern: try word()) }

    public mutating func double() throws(StateFault) -> Double { Double(bitPattern: try word()) }

    /// A count of things that take at least one byte each: never more than what is left.
    public mutating func count() throws(StateFault) -> Int {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            guard shift < 63 else { throw StateFault("the count before byte \(position) is too large") }
            value |= UInt64(next & 0x7F) << shift
            if next & 0x80 == 0 { break }
            shift += 7
        }
        guard value <= UInt64(bytes.count - position) else {
            throw StateFault("the count before byte \(position) is \(value), \(bytes.count - position) bytes are left")
        }
        return Int(value)
    }

    public mutating func text() throws(StateFault) -> String {
        let data = try data()
        guard let text = String(validating: data, as: UTF8.self) else {
            throw StateFault("the text before byte \(position) is not UTF-8")
        }
        return text
    }

    public mutating func data() throws(StateFault) -> ArraySlice<UInt8> {
        let count = try count()
        defer { position += count }
        return bytes[position..<(position + count)]
    }

    private mutating func word() throws(StateFault) -> UInt64 {
        guard bytes.count - position >= 8 else { throw StateFault("it ends in the middle, at byte \(position)") }
        defer { position += 8 }
        return bytes.withUnsafeBytes {
            UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: position, as: UInt64.self))
        }
    }
}
