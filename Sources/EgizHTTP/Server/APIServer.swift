public import EgizCore
public import EgizPostgres
public import EgizRuntime
import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
import NIOPosix
public import ServiceLifecycle

/// The HTTP API of one process: reads the projections of Postgres and says how the engine is doing.
///
/// Runs until graceful shutdown; requests that are being answered are finished first.
public struct APIServer: Service {
    public typealias Readiness = @Sendable () async -> [ReadinessCheck]

    let configuration: APIConfiguration
    let routes: RouteTable
    let gate: any AccessControl
    /// Nil: the server has no accounts, only health.
    let accounts: Accounts?
    /// Nil: this process reads no notifications.
    let live: LiveService?
    let metrics: PrometheusRegistry
    let logger: Logger
    let onBound: @Sendable (Int) -> Void

    /// - Parameters:
    ///   - pool: The server does not close it.
    ///   - accountsPool: Connections of their own for who asks and may they, so that slow questions do not keep people from signing in;
    ///     nil: those of `pool`.
    ///   - livePool: A connection of its own for live push, which waits while it does not know whose things are; nil: of `pool`.
    ///   - lag: Tells the ends of the log; nil shows lag as unknown.
    ///   - readiness: What else must hold for `/readyz`, beside the database.
    ///   - tail: Reads the notifications for live push; nil: there is none. The server closes it.
    ///   - rehearsal: Reads deployed topologies, for edits and dry runs of dead letters; nil refuses both.
    ///   - metrics: What `/metrics` writes; bootstrap swift-metrics with the same registry.
    ///   - onBound: Called once with the port that was bound.
    public init(
        configuration: APIConfiguration, pool: PostgresPool, accountsPool: PostgresPool? = nil,
        livePool: PostgresPool? = nil, lag: (any LagProvider)?, tail: (any LogTail)? = nil,
        readiness: @escaping Readiness = { [] }, rehearsal: RehearsalSetup? = nil,
        metrics: PrometheusRegistry = PrometheusRegistry(), logger: Logger,
        onBound: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        self.init(
            configuration: configuration, pool: pool, accountsPool: accountsPool,
            owners: LiveQueries(pool: livePool ?? pool), lag: lag, tail: tail, readiness: readiness,
            rehearsal: rehearsal, metrics: metrics, logger: logger, onBound: onBound)
    }

    /// - Parameter owners: Say to live push whose things are.
    init(
        configuration: APIConfiguration, pool: PostgresPool, accountsPool: PostgresPool? = nil,
        owners: any LiveOwners, lag: (any LagProvider)?, tail: (any LogTail)? = nil,
        readiness: @escaping Readiness = { [] }, rehearsal: RehearsalSetup? = nil,
        metrics: PrometheusRegistry = PrometheusRegistry(), logger: Logger,
        onBound: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.metrics = metrics
        self.logger = logger
        self.onBound = onBound
        EngineMetrics.describe(in: metrics)
        let searches = SearchGate()
        let twins = TwinRoutes(
            queries: TwinQueries(pool: pool), history: HistoryQueries(pool: pool), searches: searches)
        let history = HistoryRoute(queries: HistoryQueries(pool: pool))
        let registry = RegistryRoutes(pool: pool, setup: rehearsal, searches: searches)
        let topologies = TopologiesRoute(queries: TopologyQueries(pool: pool), lag: lag, logger: logger)
        let letters = DeadLetterRoutes(pool: pool, rehearsal: rehearsal)
        let accounts = Accounts(
            pool: accountsPool ?? pool,
            configuration: configuration.accounts ?? AccountConfiguration(demand: .required),
            hasLocalOperator: configuration.hasLocalOperator, logger: logger)
        gate = accounts.gate
        self.accounts = accounts
        let health = HealthRoutes(
            queries: HealthQueries(pool: pool), readiness: readiness, metrics: metrics,
            isOutside: configuration.isOutside)
        live = tail.map { tail in
            let queries = LiveQueries(pool: pool)
            return LiveService(
                hub: LiveHub(tail: tail, owners: owners, settings: configuration.live, logger: logger),
                access: accounts.gate, queries: queries, settings: configuration.live, metrics: metrics, logger: logger)
        }
        let push = LiveRoute(service: live, group: Self.group)
        let rules = RuleRoutes(pool: pool)
        let predictions = PredictionRoutes(queries: PredictionQueries(pool: pool))
        var all = twins.routes + rules.routes + predictions.routes
        all += [history.route, history.latest, topologies.route]
        all += registry.routes
        all += letters.routes
        all += accounts.routes
        all.append(push.route)
        all += DocumentRoutes.routes
        all += health.routes
        routes = RouteTable(routes: all)
    }

    /// Refuses what it must not listen on, before anything is started; `run` does so as well.
    public func check() throws(EngineError) { try configuration.check() }

    public func run() async throws {
        try configuration.check()
        do {
            try await serve()
        } catch let error as IOError {
            throw Self.bindError(error, configuration)
        }
    }

    /// All clients of the process share its event loops, live push among them.
    private static var group: MultiThreadedEventLoopGroup { .singleton }

    private func serve() async throws {
        guard let live else { return try await application().run() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            // At shutdown clients of live push are told first: the server waits until they are gone.
            group.addTask { await cancelWhenGracefulShutdown { await live.hub.run() } }
            try await application().run()
            group.cancelAll()
        }
    }

    /// The application without a socket, for tests.
    func application() -> Application<APIResponder> {
        // Hummingbird logs addresses inside its messages; what matters is logged here, with facts in metadata.
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let handshake = live.map {
            LiveHandshake(
                service: $0, cors: configuration.cors, isOutside: configuration.isOutside,
                trustedProxies: configuration.trustedProxies)
        }
        return Application(
            responder: APIResponder(
                table: routes, gate: gate, isOutside: configuration.isOutside,
                trustedProxies: configuration.trustedProxies,
                conventions: Conventions(cors: configuration.cors), metrics: metrics, logger: logger),
            server: HTTPServerBuilder { [configuration] responder in
                LiveChannel(responder: responder, configuration: configuration, handshake: handshake)
            },
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port),
                availableConnectionsDelegate: MaximumAvailableConnections(configuration.maximumConnections)),
            onServerRunning: { [onBound, logger, configuration] channel in
                let port = channel.localAddress?.port ?? configuration.port
                logger.info(
                    "\(configuration.name) listening",
                    metadata: ["egiz.http.host": "\(configuration.host)", "egiz.http.port": "\(port)"])
                if configuration.isOutside {
                    logger.warning(
                        "passwords and tokens travel in clear text: put a proxy with TLS in front, and let nobody else reach this port"
                    )
                }
                if configuration.hasLocalOperator {
                    logger.notice(
                        "requests without credentials are an admin's; behind a proxy or a tunnel set EGIZ_AUTH=required"
                    )
                }
                onBound(port)
            },
            logger: quiet)
    }

    /// What keeps the port from us, in words that say what to do.
    static func bindError(_ error: IOError, _ configuration: APIConfiguration) -> EngineError {
        let address = "\(configuration.host):\(configuration.port)"
        let what: String
        switch error.errnoCode {
        case Errno.addressInUse:
            what = """
                port \(configuration.port) on \(configuration.host) is in use; stop what listens there, or set \
                \(configuration.setting) to another address, such as \(configuration.host):0 for any free port
                """
        case Errno.accessDenied:
            what =
                "the system does not allow listening on \(address); set \(configuration.setting) to a port above 1023"
        case Errno.addressNotAvailable:
            what =
                "\(configuration.host) is no address of this machine; set \(configuration.setting) to 127.0.0.1:\(configuration.port)"
        default:
            what =
                "the \(configuration.name) cannot listen on \(address); set \(configuration.setting) to another address"
        }
        return EngineError(.config, .stop, what, detail: "errno \(error.errnoCode)")
    }
}
