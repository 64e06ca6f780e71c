import EgizPostgres

/// Cells by row and column for tests; a null reads as the type's zero.
extension PostgresRows {
    func string(_ row: Int, _ column: Int) -> String { self[row].text(column) ?? "" }
    func int64(_ row: Int, _ column: Int) -> Int64 { self[row].int64(column) ?? 0 }
    func bytes(_ row: Int, _ column: Int) -> [UInt8] { self[row].bytes(column) ?? [] }
}
