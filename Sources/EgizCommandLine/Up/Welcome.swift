import Foundation

/// What `egiz up` prints once everything answers: addresses, and commands that work when pasted.
enum Welcome {
    static func show(_ addresses: RunFile.Addresses, demo: Bool) {
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

            Ctrl-C stops it.

            """)
    }
}
