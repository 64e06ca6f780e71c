/// Finds the name that was probably meant.
enum NearestName {
    /// The known name within a third of the length of `name` (at least one edit), or nil. Ties go to the first.
    static func find(_ name: String, among known: [String]) -> String? {
        let letters = Array(name.lowercased().utf8.prefix(128))
        guard letters.count > 1 else { return nil }
        let limit = max(1, letters.count / 3)
        var best: (name: String, distance: Int)?
        for candidate in known {
            let distance = distance(letters, Array(candidate.lowercased().utf8.prefix(128)))
            if distance <= limit, distance < best?.distance ?? Int.max { best = (candidate, distance) }
        }
        return best?.name
    }

    /// Levenshtein's distance over bytes, swaps of neighbours counting one.
    static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...b.count)
        for i in a.indices {
            var row = [i + 1]
            row.reserveCapacity(b.count + 1)
            for j in b.indices {
                var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
                row.append(cost)
            }
            beforeLast = last
            last = row
        }
        return last[b.count]
    }
}
