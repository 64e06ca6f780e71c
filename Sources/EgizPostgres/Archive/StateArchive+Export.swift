public import EgizCore

extension StateArchive {
    /// Writes the state of the topology to a new file at `path`, as of one moment: workers may run meanwhile.
    ///
    /// Errors: `.state`/`.stop` for a broken snapshot (with its key) or a file that cannot be written; `.postgres` as always.
    public func export(_ shape: StateShape, to path: String, progress: (Progress) -> Void = { _ in })
        throws(EngineError) -> Report
    {
        try export(shape, to: path, version: ArchiveHeader.newest, progress)
    }

    /// The same in a version of the file's format; programs of the version before read only theirs.
    func export(_ shape: StateShape, to path: String, version: UInt8, _ progress: (Progress) -> Void)
        throws(EngineError) -> Report
    {
        try connection.execute("begin isolation level repeatable read read only")
        // Nothing was written: ending it either way is the same.
        defer { connection.rollback() }
        let complete = try completed(shape, versions: true)
        guard complete.stages.contains(where: { $0.partitions > 0 }) else {
            throw EngineError(
                .topology, .stop,
                "topology \(shape.topology) never ran with the database \(connection.place): there is nothing to export"
            )
        }
        let time = try connection.query("select transaction_timestamp()").first?.timestamp(0) ?? 0
        var header = ArchiveHeader(shape: complete, time: time, rows: [])
        header.version = version
        for table in header.tables { header.rows.append(try count(table, shape)) }
        let file = try LZ4FileWriter(path: path)
        try file.write(ArchiveHeader.magic)
        try put(UInt8(ascii: "H"), header.encode(), file)
        for (table, total) in zip(header.tables, header.rows) {
            try export(table, shape, total: total, file, progress)
        }
        try put(UInt8(ascii: "E"), [], file)
        try file.finish()
        return Report(
            time: time, rows: zip(header.tables, header.rows).map { .init(table: $0.name, rows: $1) },
            bytes: file.written)
    }

    private func count(_ table: ArchiveTable, _ shape: StateShape) throws(EngineError) -> Int {
        let rows = try connection.query(
            "select count(*) from egiz.\(table.name) where stage = any ($1) and \(table.condition)",
            [.textArray(shape.stages.map(\.name.text))])
        return Int(rows.first?.int64(0) ?? 0)
    }

    private func export(
        _ table: ArchiveTable, _ shape: StateShape, total: Int, _ file: LZ4FileWriter, _ progress: (Progress) -> Void
    ) throws(EngineError) {
        let cursor = "egiz_export_\(table.name)"
        try connection.execute(
            """
            declare \(cursor) no scroll cursor for select \(table.columnList) from egiz.\(table.name)
            where stage in (\(Self.list(shape.stages))) and \(table.condition) order by \(table.order)
            """)
        var done = 0
        var writer = StateWriter()
        while done < total {
            let rows = try connection.query("fetch forward \(Self.rowsAtOnce) from \(cursor)")
            guard !rows.isEmpty else { break }
            for row in rows {
                if table.name == "state" { try check(row) }
                writer.removeAll()
                for column in table.columns.indices {
                    let value = row.withBytes(column) { $0.map { [UInt8]($0) } }
                    writer.write(value != nil)
                    if let value { writer.write(value) }
                }
                try put(table.tag, writer.bytes, file)
            }
            done += rows.count
            progress(Progress(table: table.name, rows: done, total: total))
        }
        try connection.execute("close \(cursor)")
    }

    /// A broken snapshot is found here, not in the other cluster.
    private func check(_ row: PostgresRow) throws(EngineError) {
        _ = try StateFrame.decode(
            row.bytes(4) ?? [], stage: row.text(0) ?? "", processor: row.text(1) ?? "", thing: row.text(2) ?? "")
    }

    private func put(_ tag: UInt8, _ bytes: [UInt8], _ file: LZ4FileWriter) throws(EngineError) {
        var head = [tag]
        withUnsafeBytes(of: UInt32(clamping: bytes.count).littleEndian) { head.append(contentsOf: $0) }
        try file.write(head)
        try file.write(bytes)
    }
}
