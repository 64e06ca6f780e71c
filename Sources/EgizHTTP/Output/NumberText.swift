/// The text of a float8 in JSON and CSV.
enum NumberText {
    /// Whole numbers below 2^53 lose the `.0` that Swift would add: history stores the integer 21 as a float8, and 21
    /// is what the device sent. All others are the shortest text that reads back as the same value.
    static func text(_ value: Double) -> String {
        if value == value.rounded(.towardZero), abs(value) < 9_007_199_254_740_992,
            !(value == 0 && value.sign == .minus)
        {
            return "\(Int64(value))"
        }
        return "\(value)"
    }
}
