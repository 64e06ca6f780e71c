/// The text of a document up to its revision, without the values that stand in cells: while only such values change, the next text is
/// made of it without walking through the document.
struct DocumentTemplate {
    private struct Slot {
        var cell: Int32
        /// Where the text before the value ends.
        var end: Int32
    }

    /// What stands between the values, one piece after the other.
    private var gaps: [UInt8] = []
    private var slots: [Slot] = []

    /// How many values it leaves out.
    var count: Int { slots.count }

    // MARK: Making one

    /// The upper half of a number that stands for a cell: a NaN, which no document has, and not one that calculations give.
    private static let markBits: UInt64 = 0x7FF8_E612

    /// Stands in the document for the value of a cell, while a template is made.
    static func mark(_ cell: Int) -> JSONValue {
        .double(Double(bitPattern: markBits << 32 | UInt64(UInt32(truncatingIfNeeded: cell))))
    }

    mutating func append(_ text: StaticString) {
        gaps.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends what `JSONValue.write` would, and a slot for each mark.
    mutating func append(_ value: JSONValue) {
        switch value {
        case .double(let double) where double.bitPattern >> 32 == Self.markBits:
            slots.append(
                Slot(
                    cell: Int32(truncatingIfNeeded: double.bitPattern & 0xFFFF_FFFF),
                    end: Int32(truncatingIfNeeded: gaps.count)))
        case .object(let object):
            gaps.append(UInt8(ascii: "{"))
            var isFirst = true
            for member in object.members {
                if !isFirst { gaps.append(UInt8(ascii: ",")) }
                isFirst = false
                JSONValue.write(member.key, into: &gaps)
                gaps.append(UInt8(ascii: ":"))
                append(member.value)
            }
            gaps.append(UInt8(ascii: "}"))
        case .null, .bool, .int, .double, .string, .array: value.write(into: &gaps)
        }
    }

    // MARK: Using it

    func write(_ cells: UnsafePointer<LeafCell>, into text: inout [UInt8]) {
        gaps.withUnsafeBufferPointer { gaps in
            var from = 0
            for slot in slots {
                text.append(contentsOf: UnsafeBufferPointer(rebasing: gaps[from..<Int(slot.end)]))
                cells[Int(slot.cell)].value.write(into: &text)
                from = Int(slot.end)
            }
            text.append(contentsOf: UnsafeBufferPointer(rebasing: gaps[from...]))
        }
    }
}
