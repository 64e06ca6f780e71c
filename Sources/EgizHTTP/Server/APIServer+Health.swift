public import EgizPostgres
public import Logging

extension APIServer {
    /// A server of `/healthz`, `/readyz` and `/metrics` alone, for a process that serves no API.
    ///
    /// Parameters as of the API's; `configuration` says in its messages what it is.
    public init(
        healthOn configuration: APIConfiguration, pool: PostgresPool, readiness: @escaping Readiness,
        metrics: PrometheusRegistry, logger: Logger
    ) {
        var configuration = configuration
        configuration.name = "health listener"
        configuration.setting = "EGIZ_HEALTH_ADDRESS"
        configuration.accounts = nil
        self.configuration = configuration
        gate = OpenGate()
        accounts = nil
        live = nil
        self.metrics = metrics
        self.logger = logger
        onBound = { _ in }
        EngineMetrics.describe(in: metrics)
        let health = HealthRoutes(queries: HealthQueries(pool: pool), readiness: readiness, metrics: metrics)
        routes = RouteTable(routes: health.routes)
    }
}
