extension ExpressionOperations {
    /// Calls a function with as many values as it takes.
    static func call(_ function: ExpressionFunction, _ values: UnsafeBufferPointer<ExpressionValue>) -> ExpressionValue
    {
        switch function {
        case .exists:
            if case .failed = values[0] { return values[0] }
            return .boolean(!values[0].isMissing)
        case .coalesce:
            for value in values {
                switch value {
                case .missing, .null: continue
                default: return value
                }
            }
            return .missing
        case .if: return select(values[0], values[1], values[2])
        case .abs, .ceil, .floor, .sign, .sqrt, .round: return rounded(function, values)
        case .min, .max, .clamp, .pow: return numbers(function, values)
        case .len, .lower, .upper, .number, .text: return converted(function, values[0])
        case .contains, .startsWith, .endsWith: return search(function, values[0], values[1])
        }
    }

    private static func rounded(
        _ function: ExpressionFunction, _ values: UnsafeBufferPointer<ExpressionValue>
    ) -> ExpressionValue {
        guard case .number(let x) = values[0] else {
            return values.count == 2 ? without(values[0], values[1]) : without(values[0])
        }
        switch function {
        case .abs: return .number(x.magnitude)
        case .ceil: return .number(Rounding.ceil(x))
        case .floor: return .number(Rounding.floor(x))
        case .sign: return .number(x > 0 ? 1 : x < 0 ? -1 : 0)
        case .sqrt: return x < 0 ? .failed(.range) : .number(x.squareRoot())
        default: break
        }
        guard values.count == 2 else { return .number(Rounding.round(x)) }
        guard case .number(let digits) = values[1] else { return without(values[1]) }
        guard digits >= 0, digits <= 15 else { return .failed(.range) }
        let scale = Rounding.power(of: Int(digits))
        let scaled = x * scale
        return scaled.isFinite ? .number(Rounding.round(scaled) / scale) : .number(x)
    }

    /// Functions of numbers alone: the first value that is none decides.
    private static func numbers(
        _ function: ExpressionFunction, _ values: UnsafeBufferPointer<ExpressionValue>
    ) -> ExpressionValue {
        var isMissing = false
        var wrong: ExpressionValue?
        for value in values {
            switch value {
            case .number: continue
            case .missing, .null: isMissing = true
            case .failed: wrong = wrong ?? value
            default: wrong = wrong ?? .failed(.type)
            }
        }
        if let wrong { return wrong }
        if isMissing { return .missing }
        func number(_ index: Int) -> Double {
            if case .number(let number) = values[index] { return number }
            return 0
        }
        switch function {
        case .clamp:
            let (x, low, high) = (number(0), number(1), number(2))
            return low > high ? .failed(.range) : .number(x < low ? low : x > high ? high : x)
        case .pow:
            let exponent = number(1)
            // Only whole powers: they need nothing but multiplications, on every machine with the same result.
            guard exponent.magnitude <= 1000, Rounding.floor(exponent) == exponent else { return .failed(.range) }
            return finite(Rounding.power(number(0), Int(exponent)))
        default:
            var result = number(0)
            for index in values.indices.dropFirst() {
                let x = number(index)
                if function == .min ? x < result : x > result { result = x }
            }
            return .number(result)
        }
    }

    private static func converted(_ function: ExpressionFunction, _ value: ExpressionValue) -> ExpressionValue {
        switch (function, value) {
        case (.len, .text(let text)): .number(Double(text.unicodeScalars.count))
        case (.lower, .text(let text)): bounded(text.lowercased())
        case (.upper, .text(let text)): bounded(text.uppercased())
        case (.number, .number): value
        case (.number, .boolean(let flag)): .number(flag ? 1 : 0)
        case (.number, .text(let text)): Double(text).map(finite) ?? .failed(.type)
        case (.text, .text): value
        case (.text, .number(let number)): .text(DecimalText.shortest(number))
        case (.text, .boolean(let flag)): .text(flag ? "true" : "false")
        default: without(value)
        }
    }

    private static func bounded(_ text: String) -> ExpressionValue {
        text.utf8.count <= Expression.maximumText ? .text(text) : .failed(.length)
    }

    private static func search(
        _ function: ExpressionFunction, _ a: ExpressionValue, _ b: ExpressionValue
    ) -> ExpressionValue {
        guard case .text(let text) = a, case .text(let part) = b else { return without(a, b) }
        let (whole, piece) = (Array(text.utf8), Array(part.utf8))
        guard piece.count <= whole.count else { return .boolean(false) }
        switch function {
        case .startsWith: return .boolean(whole.starts(with: piece))
        case .endsWith: return .boolean(whole.suffix(piece.count).elementsEqual(piece))
        default: return .boolean(contains(whole, piece))
        }
    }

    /// In one pass (Knuth, Morris, Pratt): both texts may come from a device, which must not choose how long this takes.
    private static func contains(_ whole: [UInt8], _ piece: [UInt8]) -> Bool {
        guard !piece.isEmpty else { return true }
        // Of each beginning of the piece the length of the longest one that also ends it.
        var borders = [0]
        borders.reserveCapacity(piece.count)
        var length = 0
        for place in 1..<max(piece.count, 1) {
            while length > 0, piece[place] != piece[length] { length = borders[length - 1] }
            if piece[place] == piece[length] { length += 1 }
            borders.append(length)
        }
        length = 0
        for byte in whole {
            while length > 0, byte != piece[length] { length = borders[length - 1] }
            if byte == piece[length] { length += 1 }
            if length == piece.count { return true }
        }
        return false
    }
}
