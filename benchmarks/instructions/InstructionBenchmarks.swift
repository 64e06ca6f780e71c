/// Runs one hot path for callgrind, which counts its instructions; `gate.py` compares them with the baseline.
///
///     egiz-instructions            lists the paths
///     egiz-instructions NAME       runs one and prints how many events, samples or rows its region did
@main
enum InstructionBenchmarks {
    static func main() throws {
        guard CommandLine.arguments.count == 2 else {
            for path in HotPaths.all { print(path.name) }
            return
        }
        for path in HotPaths.all where path.name == CommandLine.arguments[1] {
            print(try path.run())
            return
        }
        fatalError("no hot path \(CommandLine.arguments[1])")
    }
}
