import EgizCore

/// Moves the state of one topology between databases in one file: twins, states, timers, scenes, alerts, what models said, parked
/// records, offsets and what was not yet published. History, windows and other dead letters are results, not state: they stay (pg_dump moves them).
///
/// Both ways stream: memory does not grow with the number of things. Confined to the thread of its connection.
public struct StateArchive {
    /// Called about every thousand rows, and at the end of each table.
    public struct Progress: Sendable {
        public var table: String
        public var rows: Int
        public var total: Int
    }

    public struct Report: Sendable, Equatable {
        /// The moment the state is of, in microseconds since 1970.
        public var time: Int64
        /// Rows by table, in the order of the file.
        public var rows: [Count]
        /// Size of the file; 0 for an import.
        public var bytes: Int

        public struct Count: Sendable, Equatable {
            public var table: String
            public var rows: Int
        }

        public subscript(table: String) -> Int { rows.first { $0.table == table }?.rows ?? 0 }
    }

    static let rowsAtOnce = 500

    let connection: PostgresConnection

    public init(_ connection: PostgresConnection) { self.connection = connection }

    static func list(_ stages: [StateShape.Stage]) -> String {
        stages.map { "'" + $0.name.text.replacing("'", with: "''") + "'" }.joined(separator: ", ")
    }

    /// Fills in what only the database knows: partitions of stages that ran, and the versions of the states.
    func completed(_ shape: StateShape, versions: Bool) throws(EngineError) -> StateShape {
        var shape = shape
        for index in shape.stages.indices {
            let name = shape.stages[index].name
            let stored = try connection.query(
                "select partitions from egiz.stage where stage = $1", [.text(name.text)])
            shape.stages[index].partitions = Int32(clamping: stored.first?.int64(0) ?? 0)
            guard versions else { continue }
            let found = try connection.query(
                """
                select processor, max(get_byte(substring(value for 3), 2)) from egiz.state
                where stage = $1 and octet_length(value) > 2 group by processor
                """, [.text(name.text)])
            for row in found {
                guard let place = shape.stages[index].processors.firstIndex(where: { $0.name == row.text(0) }) else {
                    continue
                }
                shape.stages[index].processors[place].stateVersion = row.int64(1).map { UInt8(truncatingIfNeeded: $0) }
            }
        }
        return shape
    }
}
