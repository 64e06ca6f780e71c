import EgizTwin

extension EpochColumns {
    /// Appends a leaf's present value to the column of its kind.
    @inline(__always)
    mutating func add(_ cell: UnsafePointer<LeafCell>, at time: Int64, to slot: SeriesSlot) {
        if let number = cell.pointee.plainNumber {
            slot.column(.number, list: &self).append(time: time, number: number)
        } else {
            add(cell.pointee.leafValue, at: time, to: slot)
        }
    }

    /// Appends a sample to the column of its kind.
    @inline(__always)
    mutating func add(_ value: LeafValue, at time: Int64, to slot: SeriesSlot) {
        switch value {
        case .number(let number):
            slot.column(.number, list: &self).append(time: time, number: number)
        case .integer(let integer):
            let column = slot.column(.number, list: &self)
            if let exact = Double(exactly: integer) {
                column.append(time: time, number: exact)
            } else {
                column.append(time: time, number: Double(integer), exactly: String(integer))
            }
        case .boolean(let flag):
            slot.column(.boolean, list: &self).append(time: time, number: flag ? 1 : 0)
        case .text(let text):
            // Postgres' text refuses U+0000; as a JSON string it is an escape like any other.
            if text.utf8.contains(0) {
                slot.column(.json, list: &self).append(time: time, text: JSONValue.string(text).text)
            } else {
                slot.column(.text, list: &self).append(time: time, text: text)
            }
        case .json(let text):
            slot.column(.json, list: &self).append(time: time, text: text)
        case .null:
            slot.column(.null, list: &self).append(time: time)
        case .absent:
            slot.column(.absent, list: &self).append(time: time)
        }
    }
}
