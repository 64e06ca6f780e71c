package import EgizCore
import Foundation

extension TopologyLoader {
    /// Reads one file. What is wrong with the file itself is a fault at its first line.
    public func load(path: String) -> LoadedTopology {
        switch Self.text(path: path, noun: "topology") {
        case .success(let text):
            load(text: text, file: path, folder: URL(fileURLWithPath: path).deletingLastPathComponent().path)
        case .failure(let refusal): LoadedTopology(file: path, topology: nil, faults: refusal.faults)
        }
    }

    /// The text of a file of ours, or the one fault that it cannot be read.
    package static func text(path: String, noun: String) -> Result<String, TopologyFaults> {
        func refused(_ message: String) -> Result<String, TopologyFaults> {
            .failure(TopologyFaults([TopologyFault(at: SourceMark(line: 1, column: 1), message)]))
        }
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            return refused("there is no such file")
        }
        guard !isDirectory.boolValue else {
            return refused("found a folder, expected a file; name a file in it")
        }
        guard let handle = FileHandle(forReadingAtPath: path) else {
            return refused("the file cannot be opened; check its permissions")
        }
        defer { try? handle.close() }
        let data: Data
        do {
            // One byte more than allowed tells a file that is too large; endless devices end here as well.
            data = try handle.read(upToCount: Self.maximumBytes + 1) ?? Data()
        } catch {
            return refused("the file cannot be read: \(error.localizedDescription)")
        }
        guard data.count <= Self.maximumBytes else {
            return refused(
                "the file is larger than \(SizeText.text(bytes: Int64(Self.maximumBytes))); a \(noun) is not")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            return .failure(
                TopologyFaults([
                    TopologyFault(at: Self.firstInvalid(data), "the file is not UTF-8 from here; save it as UTF-8")
                ]))
        }
        return .success(text)
    }

    /// Reads every topology of a folder, `*.yaml` and `*.yml` but for `*.test.yaml`, in the order of their names, and
    /// checks them against each other.
    public func load(folder: String) -> LoadedTopologies {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            return LoadedTopologies([refused(folder, "the folder cannot be read: \(error.localizedDescription)")])
        }
        let files = names.filter {
            !$0.hasPrefix(".") && ($0.hasSuffix(".yaml") || $0.hasSuffix(".yml"))
                && !$0.hasSuffix(".test.yaml") && !$0.hasSuffix(".test.yml")
        }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        guard !files.isEmpty else {
            return LoadedTopologies([refused(folder, "the folder holds no topology; expected files that end in .yaml")])
        }
        let base = folder.hasSuffix("/") ? String(folder.dropLast()) : folder
        return load(paths: files.map { "\(base)/\($0)" })
    }

    /// Reads these files and checks them against each other.
    public func load(paths: [String]) -> LoadedTopologies {
        LoadedTopologies(SetCheck.check(paths.map { load(path: $0) }, registry: registry))
    }

    private static func firstInvalid(_ data: Data) -> SourceMark {
        var line = 1
        var column = 1
        var decoder = UTF8()
        var bytes = data.makeIterator()
        while case .scalarValue(let scalar) = decoder.decode(&bytes) {
            if scalar == "\n" {
                line += 1
                column = 1
            } else {
                column += 1
            }
        }
        return SourceMark(line: line, column: column)
    }
}
