import EgizCore
import EgizHTTP
import EgizPostgres
import EgizProcessors
import EgizRuntime
import EgizTopologyFile
import Foundation

/// Reading topologies where they do not run: the environment of the workers is not here.
enum StoredTopology {
    /// The loader for texts that other processes run: a `${NAME}` that is not set here stands for itself.
    static func loader(for text: String) -> (loader: TopologyLoader, unset: [String]) {
        var environment = ProcessInfo.processInfo.environment
        var unset: [String] = []
        for match in text.matches(of: #/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/#) {
            let name = String(match.1)
            guard environment[name] == nil else { continue }
            environment[name] = "${\(name)}"
            unset.append(name)
        }
        return (TopologyLoader(registry: Kinds.registry, environment: environment), unset)
    }

    /// Nil where this version of egiz cannot read it.
    static func read(_ name: String, _ text: String) -> Topology? {
        loader(for: text).loader.load(text: text, file: name).topology
    }

    static func deployer(_ store: any DeploymentStore) -> Deployer {
        Deployer(store, registry: Kinds.registry, read: read)
    }

    /// What the API rehearses dead letters with.
    static func rehearsal(_ database: String) -> RehearsalSetup {
        RehearsalSetup(
            registry: Kinds.registry, url: database, read: read,
            load: { text in
                let (loader, unset) = loader(for: text)
                let loaded = loader.load(text: text, file: "body")
                return .init(topology: loaded.topology, faults: loaded.faults, unset: unset)
            })
    }
}
