/// A reader of RFC 4180 of its own, to check the writer with.
enum CSVReader {
    static func rows(_ bytes: [UInt8]) -> [[[UInt8]]] {
        var rows: [[[UInt8]]] = []
        var row: [[UInt8]] = []
        var field: [UInt8] = []
        var isQuoted = false
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if isQuoted {
                guard byte == UInt8(ascii: "\"") else {
                    field.append(byte)
                    continue
                }
                if index < bytes.count, bytes[index] == UInt8(ascii: "\"") {
                    field.append(byte)
                    index += 1
                } else {
                    isQuoted = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isQuoted = true
            case UInt8(ascii: ","):
                row.append(field)
                field = []
            case 0x0D: break
            case 0x0A:
                rows.append(row + [field])
                row = []
                field = []
            default: field.append(byte)
            }
        }
        return rows
    }
}
