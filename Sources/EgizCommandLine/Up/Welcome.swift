import EgizHTTP
import Foundation

/// What `egiz up` prints once everything answers: addresses, and commands that work when pasted.
enum Welcome {
    /// Where the rest of the example shows.
    private static func watching(_ addresses: RunFile.Addresses) -> String {
        let machine = "\(addresses.api)/api/v1/twins/zonesun.hall4:filler-01"
        return """
            A nozzle of zonesun.hall4:filler-01 clogs after a minute. Then see what the model says, the alert, the red head, the pager:
              curl -s '\(machine)/predictions'
              curl -s '\(machine)/alerts'
              curl -s '\(machine)/scene'
              curl -s 'http://127.0.0.1:8001/'


            """
    }

    /// `admin`: made by this start; its password is shown here and nowhere else.
    static func show(_ addresses: RunFile.Addresses, admin: AccountSetup.Made?, demo: Bool, models: Bool) {
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

            \(models ? watching(addresses) : "")\(account(admin))Ctrl-C stops it.

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
