/// The text of a UUID, checked and in small letters, so that two of them are the same where their bytes are.
public struct UUIDText: Sendable, Hashable {
    public let text: String

    /// Nil where the text is no UUID of the form 8-4-4-4-12.
    public init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard bytes.count == 36 else { return nil }
        var small: [UInt8] = []
        small.reserveCapacity(36)
        for (index, byte) in bytes.enumerated() {
            switch (index, byte) {
            case (8, UInt8(ascii: "-")), (13, UInt8(ascii: "-")), (18, UInt8(ascii: "-")), (23, UInt8(ascii: "-")):
                small.append(byte)
            case (8, _), (13, _), (18, _), (23, _): return nil
            case (_, UInt8(ascii: "0")...UInt8(ascii: "9")), (_, UInt8(ascii: "a")...UInt8(ascii: "f")):
                small.append(byte)
            case (_, UInt8(ascii: "A")...UInt8(ascii: "F")): small.append(byte | 0x20)
            default: return nil
            }
        }
        self.text = String(decoding: small, as: UTF8.self)
    }
}
