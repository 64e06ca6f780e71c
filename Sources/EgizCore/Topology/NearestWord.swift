/// Finds the word that was probably meant.
public enum NearestWord {
    /// The known word within a third of the length of `word` (at least one edit), or nil. Ties go to the first.
    public static func find(_ word: String, among known: [String]) -> String? {
        let letters = Array(word.utf8.prefix(128))
        guard letters.count > 1 else { return nil }
        let limit = max(1, letters.count / 3)
        var best: (word: String, distance: Int)?
        for candidate in known {
            let other = Array(candidate.utf8.prefix(128))
            guard abs(other.count - letters.count) <= limit else { continue }
            let distance = distance(letters, other)
            if distance <= limit, distance < best?.distance ?? Int.max { best = (candidate, distance) }
        }
        return best?.word
    }

    /// Damerau-Levenshtein in its restricted form (optimal string alignment): insertions, deletions, substitutions and
    /// swaps of neighbours cost one each. A difference of case costs nothing.
    public static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...b.count)
        for i in 0..<a.count {
            var row = [i + 1]
            row.reserveCapacity(b.count + 1)
            for j in 0..<b.count {
                let same = lowercase(a[i]) == lowercase(b[j])
                var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (same ? 0 : 1))
                if i > 0, j > 0, lowercase(a[i]) == lowercase(b[j - 1]), lowercase(a[i - 1]) == lowercase(b[j]) {
                    cost = min(cost, beforeLast[j - 1] + 1)
                }
                row.append(cost)
            }
            beforeLast = last
            last = row
        }
        return last[b.count]
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 {
        (0x41...0x5A).contains(byte) ? byte + 0x20 : byte
    }
}
