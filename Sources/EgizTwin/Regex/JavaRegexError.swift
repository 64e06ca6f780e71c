/// Why an expression does not compile, or did not come to an end.
struct JavaRegexError: Error {
    var message: String
}
