/// What somebody asks for who wants an account, checked.
struct NewAccount: Sendable {
    var email = ""
    var password = ""
    var name = ""

    /// Faults go to the reader; then nothing here is used.
    init(reading body: inout BodyReader) {
        let text = body.requiredText("email", length: 1...EmailAddress.longest)
        password = body.requiredText("password")
        name = body.text("name", length: 0...200) ?? ""
        guard let address = EmailAddress.normalized(text) else {
            if !text.isEmpty { body.refuse("email", "email must be an address, such as maria@example.com.") }
            return
        }
        email = address
        if !password.isEmpty, let fault = PasswordRules.fault(of: password, email: address) {
            body.refuse("password", fault)
        }
    }
}
