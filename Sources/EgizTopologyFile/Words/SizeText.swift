/// Sizes as topology files write them: `"512B"`, `"1KiB"`, `"64MiB"`, `"2GiB"`.
public enum SizeText {
    private static let units: [(name: String, bytes: Int64)] = [
        ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30),
    ]

    /// The size in bytes; nil where the text is none, or larger than fits 64 bits.
    public static func bytes(_ text: String) -> Int64? {
        let digits = text.utf8.prefix { (0x30...0x39).contains($0) }
        guard !digits.isEmpty, let number = Int64(Substring(digits)) else { return nil }
        let rest = text.utf8.dropFirst(digits.count)
        guard let unit = units.first(where: { rest.elementsEqual($0.name.utf8) }) else { return nil }
        let (result, overflow) = number.multipliedReportingOverflow(by: unit.bytes)
        return overflow ? nil : result
    }

    /// The shortest text with a whole number: 65536 bytes are `64KiB`.
    public static func text(bytes: Int64) -> String {
        guard bytes != 0 else { return "0B" }
        for unit in units.reversed() where bytes % unit.bytes == 0 { return "\(bytes / unit.bytes)\(unit.name)" }
        return "\(bytes)B"
    }
}
