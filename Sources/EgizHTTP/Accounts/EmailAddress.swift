/// An e-mail address in the form that it is stored and compared in. It names an account; no mail is sent.
enum EmailAddress {
    static let longest = 254

    /// In small letters, without spaces around it; nil where it is none: something, one `@`, something without spaces.
    static func normalized(_ text: String) -> String? {
        let small = text.lowercased()
        let trimmed = small.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
        let address = String(trimmed)
        guard (3...longest).contains(address.utf8.count),
            address.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "<") && $0 != UInt8(ascii: ">") })
        else { return nil }
        let parts = address.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        return address
    }
}
