/// A set of code points.
indirect enum RegexSet: Sendable {
    case ranges([ClosedRange<UInt32>])
    /// Ignoring case: of ASCII, or of all of Unicode.
    case folded([ClosedRange<UInt32>], unicode: Bool)
    case predicate(@Sendable (Unicode.Scalar) -> Bool)
    case union([RegexSet])
    case intersection(RegexSet, RegexSet)
    case not(RegexSet)

    static func single(_ value: UInt32) -> RegexSet { .ranges([value...value]) }

    func contains(_ value: UInt32) -> Bool {
        switch self {
        case .ranges(let ranges): return ranges.contains { $0.contains(value) }
        case .folded(let ranges, let unicode):
            return Self.cases(of: value, unicode: unicode).contains { folded in ranges.contains { $0.contains(folded) }
            }
        case .predicate(let holds): return Unicode.Scalar(value).map(holds) ?? false
        case .union(let sets): return sets.contains { $0.contains(value) }
        case .intersection(let a, let b): return a.contains(value) && b.contains(value)
        case .not(let set): return !set.contains(value)
        }
    }

    /// A code point with its other cases.
    static func cases(of value: UInt32, unicode: Bool) -> [UInt32] {
        if (65...90).contains(value) || (97...122).contains(value) {
            let ascii = [value, value ^ 0x20]
            guard unicode else { return ascii }
            // The Kelvin sign and the long s fold onto ASCII letters.
            return ascii + (value | 0x20 == 107 ? [0x212A] : []) + (value | 0x20 == 115 ? [0x17F] : [])
        }
        guard unicode, let scalar = Unicode.Scalar(value) else { return [value] }
        var all = [value]
        for mapping in [scalar.properties.uppercaseMapping, scalar.properties.lowercaseMapping] {
            let scalars = mapping.unicodeScalars
            if scalars.count == 1, let only = scalars.first {
                all.append(only.value)
                let back = only.properties.lowercaseMapping.unicodeScalars
                if back.count == 1, let lower = back.first { all.append(lower.value) }
            }
        }
        return all
    }
}
