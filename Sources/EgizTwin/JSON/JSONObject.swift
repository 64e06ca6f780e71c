/// The members of a JSON object, in the order in which they came. Names are compared by their UTF-8 bytes.
///
/// Few members are searched one by one; from 13 on a hash table finds them. Subscripting with a position is O(1), removal O(n).
public struct JSONObject: Sendable {
    public typealias Element = (key: String, value: JSONValue)

    struct Member: Sendable {
        var key: String
        var value: JSONValue
    }

    private static let searchedLinearly = 12

    /// Values may be changed in place; names only through the methods below, which keep the table in step.
    var members: ContiguousArray<Member> = []
    /// Open addressing with linear probing: positions + 1, zero is free. Empty while there are few members.
    private var table: [UInt32] = []

    public init() {}

    init(capacity: Int) { members.reserveCapacity(capacity) }

    public var isEmpty: Bool { members.isEmpty }

    /// The value of a member; setting nil removes it, setting a new one appends it.
    public subscript(key: String) -> JSONValue? {
        get { position(of: key).map { members[$0].value } }
        set {
            if let newValue {
                set(key, newValue)
            } else {
                remove(key)
            }
        }
    }

    @inline(__always)
    func position(of key: String) -> Int? {
        if table.isEmpty {
            for index in members.indices where UTF8Text.equal(members[index].key, key) { return index }
            return nil
        }
        return positionInTable(of: key)
    }

    /// Like `position(of:)`, trying `hint` first.
    @inline(__always)
    func position(of key: String, hint: Int) -> Int? {
        if hint < members.count, UTF8Text.equal(members[hint].key, key) { return hint }
        return position(of: key)
    }

    @inline(__always)
    mutating func set(_ key: String, _ value: consuming JSONValue) {
        if let index = position(of: key) {
            members[index].value = value
        } else {
            append(key, value)
        }
    }

    /// Adds a member whose name is known to be new.
    mutating func append(_ key: String, _ value: consuming JSONValue) {
        members.append(Member(key: key, value: value))
        guard members.count > Self.searchedLinearly else { return }
        if members.count * 2 > table.count {
            rebuildTable()
        } else {
            insertIntoTable(members.count - 1)
        }
    }

    @discardableResult
    public mutating func remove(_ key: String) -> JSONValue? {
        guard let index = position(of: key) else { return nil }
        let member = members.remove(at: index)
        rebuildTable()
        return member.value
    }

    /// Removes the members at these positions, each named once, in one pass.
    mutating func remove(at positions: [Int]) {
        guard let first = positions.first else { return }
        if positions.count == 1 {
            members.remove(at: first)
        } else {
            var goes = [Bool](repeating: false, count: members.count)
            for position in positions { goes[position] = true }
            var kept = ContiguousArray<Member>()
            kept.reserveCapacity(members.count - positions.count)
            for (index, member) in members.enumerated() where !goes[index] { kept.append(member) }
            members = kept
        }
        rebuildTable()
    }

    // MARK: The table

    private func positionInTable(of key: String) -> Int? {
        let mask = table.count - 1
        var slot = Int(truncatingIfNeeded: UTF8Text.hash(key)) & mask
        while table[slot] != 0 {
            let index = Int(table[slot]) - 1
            if UTF8Text.equal(members[index].key, key) { return index }
            slot = (slot + 1) & mask
        }
        return nil
    }

    private mutating func rebuildTable() {
        guard members.count > Self.searchedLinearly else {
            if !table.isEmpty { table = [] }
            return
        }
        var size = 32
        while size < members.count * 3 { size *= 2 }
        table = [UInt32](repeating: 0, count: size)
        for index in members.indices { insertIntoTable(index) }
    }

    private mutating func insertIntoTable(_ index: Int) {
        let mask = table.count - 1
        var slot = Int(truncatingIfNeeded: UTF8Text.hash(members[index].key)) & mask
        while table[slot] != 0 { slot = (slot + 1) & mask }
        table[slot] = UInt32(index + 1)
    }
}

extension JSONObject: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { members.count }
    public var count: Int { members.count }

    public subscript(position: Int) -> Element { (members[position].key, members[position].value) }
}

extension JSONObject: Equatable {
    /// Order does not matter.
    public static func == (a: JSONObject, b: JSONObject) -> Bool {
        guard a.members.count == b.members.count else { return false }
        for (index, member) in a.members.enumerated() {
            guard let other = b.position(of: member.key, hint: index), member.value == b.members[other].value else {
                return false
            }
        }
        return true
    }
}
