import CPQ
import EgizTwin

/// The rows of one answer, in binary form. Owns libpq's memory; confined to the thread of its connection.
public final class PostgresRows: RandomAccessCollection {
    let result: OpaquePointer?
    public let count: Int
    public let columnCount: Int
    let types: [UInt32]
    /// How many rows an `insert`, `update` or `delete` touched.
    public let affected: Int

    public var startIndex: Int { 0 }
    public var endIndex: Int { count }

    init(owning result: OpaquePointer?) {
        self.result = result
        count = Int(PQntuples(result))
        columnCount = Int(PQnfields(result))
        types = (0..<PQnfields(result)).map { PQftype(result, $0) }
        affected = PQcmdTuples(result).map { Int(String(cString: $0)) ?? 0 } ?? 0
    }

    deinit { PQclear(result) }

    public subscript(row: Int) -> PostgresRow {
        precondition(row >= 0 && row < count, "row \(row) of \(count)")
        return PostgresRow(rows: self, index: Int32(row))
    }

    /// The index of the column of that name; nil where the answer has none.
    public func column(_ name: String) -> Int? {
        let index = PQfnumber(result, name)
        return index < 0 ? nil : Int(index)
    }
}
