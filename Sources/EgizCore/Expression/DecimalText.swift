/// Numbers as people read them. Rounds the shortest decimal text of a double, so that 1.005 with two digits is 1.01.
public enum DecimalText {
    /// Without a fraction that says nothing: `2`, `2.5`, `1e+300`.
    public static func shortest(_ number: Double) -> String {
        if number.magnitude < 1e15, Rounding.floor(number) == number { return "\(Int64(number))" }
        return "\(number)"
    }

    /// With so many digits after the point, 0 to 15; halves away from zero. `groups`: a comma before every three digits.
    public static func fixed(_ number: Double, digits: Int, groups: Bool = false) -> String {
        guard number.isFinite else { return "\(number)" }
        var (whole, fraction) = decimal(number.magnitude)
        if fraction.count > digits {
            let roundsUp = fraction[digits] >= UInt8(ascii: "5")
            fraction.removeSubrange(digits...)
            if roundsUp { increment(&whole, &fraction) }
        }
        fraction += repeatElement(UInt8(ascii: "0"), count: digits - fraction.count)
        let isZero = (whole + fraction).allSatisfy { $0 == UInt8(ascii: "0") }
        var bytes: [UInt8] = number < 0 && !isZero ? [UInt8(ascii: "-")] : []
        for (index, digit) in whole.enumerated() {
            if groups, index > 0, (whole.count - index).isMultiple(of: 3) { bytes.append(UInt8(ascii: ",")) }
            bytes.append(digit)
        }
        if digits > 0 { bytes += [UInt8(ascii: ".")] + fraction }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The digits before and after the point of a positive number's shortest text.
    private static func decimal(_ number: Double) -> (whole: [UInt8], fraction: [UInt8]) {
        let text = Array(number.description.utf8)
        let mantissaEnd = text.firstIndex(of: UInt8(ascii: "e")) ?? text.count
        var exponent = 0
        if mantissaEnd < text.count {
            exponent = Int(String(decoding: text[(mantissaEnd + 1)...], as: UTF8.self)) ?? 0
        }
        let mantissa = text[..<mantissaEnd]
        let point = mantissa.firstIndex(of: UInt8(ascii: ".")) ?? mantissaEnd
        var digits = Array(mantissa[..<point]) + Array(mantissa[point...].dropFirst())
        var place = point + exponent
        if place <= 0 {
            digits = [UInt8](repeating: UInt8(ascii: "0"), count: 1 - place) + digits
            place = 1
        }
        if place > digits.count { digits += repeatElement(UInt8(ascii: "0"), count: place - digits.count) }
        var whole = Array(digits[..<place])
        while whole.count > 1, whole[0] == UInt8(ascii: "0") { whole.removeFirst() }
        return (whole, Array(digits[place...]))
    }

    private static func increment(_ whole: inout [UInt8], _ fraction: inout [UInt8]) {
        func carry(_ digits: inout [UInt8]) -> Bool {
            for index in digits.indices.reversed() {
                if digits[index] < UInt8(ascii: "9") {
                    digits[index] += 1
                    return false
                }
                digits[index] = UInt8(ascii: "0")
            }
            return true
        }
        if carry(&fraction), carry(&whole) { whole.insert(UInt8(ascii: "1"), at: 0) }
    }
}
