import ArgumentParser

/// What every command that connects to something takes.
struct CommonOptions: ParsableArguments {
    @Option(name: .long, help: "A YAML file with settings; EGIZ_* variables win over it.")
    var config: String?
}
