import EgizHTTP
import Foundation

/// What `egiz up` prints once everything answers: addresses, and commands that work when pasted.
enum Welcome {
    /// `admin`: made by this start; its password is shown here and nowhere else.
    static func show(_ addresses: RunFile.Addresses, admin: AccountSetup.Made?, demo: Bool) {
        let ditto = demo ? "zonesun.hall3:filler-01" : "my.namespace:machine-1"
        Console.print(
            """

            Digital Egiz is up.

              API       \(addresses.api)/api/v1
              Kafka     \(addresses.kafka)
              Postgres  psql '\(addresses.postgres)'

            Try (the first events arrive a few seconds after a start):
              curl -s '\(addresses.api)/api/v1/twins?limit=5'
              curl -s '\(addresses.api)/api/v1/twins/\(ditto)'
              curl -s '\(addresses.api)/api/v1/twins/\(ditto)/history?path=/features/filler/properties/temperature&interval=10s&aggregate=avg,max'

            \(account(admin))Ctrl-C stops it.

            """)
    }

    private static func account(_ admin: AccountSetup.Made?) -> String {
        guard let admin, let password = admin.password else { return "" }
        return """
            An admin was made; the password is shown only now (`egiz user password \(admin.email)` makes another):
              \(admin.email)   \(password)


            """
    }
}
