extension QueryReader {
    /// `true` or `false`; false where it is not given.
    mutating func flag(_ name: String) -> Bool {
        guard let text = filledText(name) else { return false }
        if text == "true" || text == "false" { return text == "true" }
        refuse(name, "\(name) must be true or false.")
        return false
    }
}
