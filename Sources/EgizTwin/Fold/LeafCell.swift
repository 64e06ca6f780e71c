/// A scalar leaf of a living twin outside its document: where events write a leaf again and again, each writes a word here, and the
/// document is brought up to date when somebody looks at it.
///
/// Nothing but plain words, so that looking at one counts no references; its twin owns what it points to. On the twin's thread.
public struct LeafCell: BitwiseCopyable {
    enum Kind: UInt8, BitwiseCopyable {
        case null, no, yes, integer, double, text
    }

    /// The number of the leaf's path.
    var node: Int32
    /// The record that wrote it last, to know one that writes a leaf twice.
    var mark: UInt32 = 0
    var kind: Kind
    /// Newer than the document.
    var isDirty = false
    /// The integer, or the bits of the double.
    var bits: UInt64
    /// Made when a text comes for the first time.
    var text: UnsafeMutablePointer<String>?
    /// Retained: the tables may forget the path, its segments are needed.
    let path: Unmanaged<EventPath>
    /// What the twin's owner keeps for the leaf; gone when the twin forgets the cell, as it does at every change of structure.
    public var owner: UnsafeMutableRawPointer?

    /// Nil for what is no scalar. Whoever keeps it calls `free`.
    init?(_ value: JSONValue, path: EventPath, node: Int32) {
        self.node = node
        bits = 0
        text = nil
        switch value {
        case .null: kind = .null
        case .bool(let flag): kind = flag ? .yes : .no
        case .int(let integer):
            kind = .integer
            bits = UInt64(bitPattern: integer)
        case .double(let double):
            kind = .double
            bits = double.bitPattern
        case .string(let string):
            kind = .text
            let text = UnsafeMutablePointer<String>.allocate(capacity: 1)
            text.initialize(to: string)
            self.text = text
        case .array, .object: return nil
        }
        self.path = Unmanaged.passRetained(path)
    }

    func free() {
        path.release()
        guard let text else { return }
        text.deinitialize(count: 1)
        text.deallocate()
    }

    mutating func set(_ string: String) {
        if let text {
            text.pointee = string
        } else {
            let text = UnsafeMutablePointer<String>.allocate(capacity: 1)
            text.initialize(to: string)
            self.text = text
        }
    }

    private var string: String { text?.pointee ?? "" }

    var value: JSONValue {
        switch kind {
        case .null: .null
        case .no: .bool(false)
        case .yes: .bool(true)
        case .integer: .int(Int64(bitPattern: bits))
        case .double: .double(Double(bitPattern: bits))
        case .text: .string(string)
        }
    }

    public var pathID: PathID { PathID(raw: node) }

    /// The number that history keeps of it; nil where it has none, or where only its digits say it exactly.
    @inline(__always)
    public var plainNumber: Double? {
        if kind == .double { return Double(bitPattern: bits) }
        guard kind == .integer else { return nil }
        let integer = Int64(bitPattern: bits)
        return integer.magnitude <= 1 << 53 ? Double(integer) : nil
    }

    public var leafValue: LeafValue {
        switch kind {
        case .null: .null
        case .no: .boolean(false)
        case .yes: .boolean(true)
        case .integer: .integer(Int64(bitPattern: bits))
        case .double: .number(Double(bitPattern: bits))
        case .text: .text(string)
        }
    }
}
