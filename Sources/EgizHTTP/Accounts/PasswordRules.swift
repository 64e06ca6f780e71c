/// Which passwords are taken: long ones. Rules about kinds of characters make passwords worse, not better (NIST SP 800-63B).
enum PasswordRules {
    static let length = 10...256
    private static let fewestDifferent = 4

    /// What is wrong with a new password; nil: nothing.
    static func fault(of password: String, email: String) -> String? {
        guard length.contains(password.utf8.count) else {
            return "A password has \(length.lowerBound) to \(length.upperBound) bytes."
        }
        if Set(password.utf8).count < fewestDifferent { return "The password repeats a few characters." }
        let small = password.lowercased()
        let person = email.prefix { $0 != "@" }
        if small == email
            || person.utf8.count >= 4 && small.hasPrefix(person) && small.utf8.count < person.utf8.count + 6
        {
            return "The password is the e-mail address, or little more than its name."
        }
        return nil
    }

    /// 20 letters and digits that are not mistaken for each other: about 115 random bits.
    static func random() -> String {
        let alphabet = Array("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789".utf8)
        var random = SystemRandomNumberGenerator()
        let letters = (0..<20).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &random)] }
        return String(decoding: letters, as: UTF8.self)
    }
}
