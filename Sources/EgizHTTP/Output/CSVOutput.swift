/// Writes RFC 4180: rows end in CR LF, fields with a quote, comma, CR or LF are quoted.
struct CSVOutput {
    private(set) var bytes: [UInt8] = []
    private var inRow = false

    init(header: [String]) {
        for name in header { field(name) }
        endRow()
    }

    /// Appends a field. A missing value is an empty field, an empty text is `""`, so that the two stay apart.
    mutating func field(_ text: String?) {
        if inRow { bytes.append(UInt8(ascii: ",")) }
        inRow = true
        guard let text else { return }
        guard text.isEmpty || text.utf8.contains(where: Self.needsQuotes) else {
            bytes.append(contentsOf: text.utf8)
            return
        }
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\"") { bytes.append(byte) }
            bytes.append(byte)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func endRow() {
        bytes.append(0x0D)
        bytes.append(0x0A)
        inRow = false
    }

    private static func needsQuotes(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\"") || byte == UInt8(ascii: ",") || byte == 0x0D || byte == 0x0A
    }
}
