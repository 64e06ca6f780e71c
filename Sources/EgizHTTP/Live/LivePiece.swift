import EgizCore
import EgizPostgres
import EgizTwin

/// What goes out of a page of a snapshot together: all rows of some things, in the order of their ids.
struct LivePiece: Sendable {
    var rows: [LiveRow] = []
    /// The last thing in it; nil: the snapshot is complete.
    var through: ByteText?
    /// The page ends with it.
    var isPageEnd = false

    /// The pieces of a page, each of about `bytes` at most; at least one.
    static func pieces(
        _ page: LiveQueries.Page, _ patterns: [PathPattern], twins: Bool, bytes most: Int
    ) throws -> [LivePiece] {
        var byThing: [ByteText: [LiveRow]] = [:]
        for row in try LiveRow.rows(page, patterns, twins: twins) { byThing[row.key.thing, default: []].append(row) }
        var pieces: [LivePiece] = []
        var piece = LivePiece()
        var bytes = 0
        for twin in page.twins {
            let rows = byThing[ByteText(twin.thing)] ?? []
            let weight = rows.reduce(0) { $0 + $1.json.count }
            if bytes > 0, bytes + weight > most {
                pieces.append(piece)
                (piece, bytes) = (LivePiece(), 0)
            }
            piece.rows += rows
            piece.through = ByteText(twin.thing)
            bytes += weight
        }
        piece.through = page.next.map { ByteText($0) }
        piece.isPageEnd = true
        pieces.append(piece)
        return pieces
    }
}
