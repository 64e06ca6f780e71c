import EgizPostgres

/// The tokens of a session as `login` and `refresh` give them.
enum LoginAnswer {
    static func json(
        access: String, refresh: OpaqueToken, configuration: AccountConfiguration, account: StoredAccount? = nil
    ) -> [UInt8] {
        AccountText.json { out in
            out.beginObject()
            out.member("accessToken", access)
            out.member("tokenType", "Bearer")
            out.member("expiresIn", configuration.accessLifetime)
            out.member("refreshToken", refresh.text)
            out.member("refreshExpiresIn", configuration.refreshLifetime)
            if let account {
                out.key("user")
                AccountText.write(account, into: &out)
            }
            out.endObject()
        }
    }
}
