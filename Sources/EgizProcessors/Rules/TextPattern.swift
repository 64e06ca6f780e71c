/// A text in which `*` stands for any run of characters; compared by bytes.
struct TextPattern: Sendable {
    let text: String
    private let pieces: [[UInt8]]

    init(_ text: String) {
        self.text = text
        pieces = text.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).map { Array($0) }
    }

    func matches(_ other: String) -> Bool {
        var rest = Array(other.utf8)[...]
        guard pieces.count > 1 else { return rest.elementsEqual(pieces[0]) }
        guard rest.starts(with: pieces[0]) else { return false }
        rest = rest.dropFirst(pieces[0].count)
        for piece in pieces.dropFirst().dropLast() where !piece.isEmpty {
            guard rest.count >= piece.count,
                let at = (rest.startIndex...(rest.endIndex - piece.count)).first(where: {
                    rest[$0...].starts(with: piece)
                })
            else { return false }
            rest = rest[(at + piece.count)...]
        }
        let last = pieces[pieces.count - 1]
        return rest.count >= last.count && rest.suffix(last.count).elementsEqual(last)
    }
}
