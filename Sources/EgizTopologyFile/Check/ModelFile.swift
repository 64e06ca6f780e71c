import EgizTwin
import Foundation

/// What a topology needs to know of a 3D model in glTF 2.0: the names of its nodes.
public enum ModelFile {
    public struct Fault: Error, Sendable {
        public var message: String
    }

    /// A larger JSON part is no model of ours, in bytes; the geometry of a GLB is not read.
    static let maximumJSON = 64 << 20

    /// The names of the nodes of a .gltf or .glb file, in its order; nodes without a name are left out.
    public static func nodeNames(path: String) throws(Fault) -> [String] {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw Fault(message: "there is no such file, or it cannot be opened")
        }
        defer { try? handle.close() }
        let head: Data
        do { head = try handle.read(upToCount: 20) ?? Data() } catch {
            throw Fault(message: "it cannot be read: \(error.localizedDescription)")
        }
        if head.starts(with: "glTF".utf8) {
            return try nodeNames(json: try chunk(after: head, handle))
        }
        var rest = Data()
        do { rest = try handle.read(upToCount: maximumJSON) ?? Data() } catch {
            throw Fault(message: "it cannot be read: \(error.localizedDescription)")
        }
        guard head.count + rest.count < maximumJSON else { throw Fault(message: "it is larger than 64 MiB") }
        return try nodeNames(json: [UInt8](head) + [UInt8](rest))
    }

    /// The first chunk of a GLB, which is its JSON.
    private static func chunk(after head: Data, _ handle: FileHandle) throws(Fault) -> [UInt8] {
        func number(_ at: Int) -> Int {
            (0..<4).reduce(0) { $0 | Int(head[head.startIndex + at + $1]) << (8 * $1) }
        }
        guard head.count == 20 else { throw Fault(message: "it ends in the header of a GLB") }
        guard number(4) == 2 else { throw Fault(message: "it is a GLB of version \(number(4)), expected 2") }
        guard number(16) == 0x4E4F_534A else { throw Fault(message: "its first chunk is not JSON") }
        guard number(12) <= maximumJSON else { throw Fault(message: "its JSON is larger than 64 MiB") }
        let data: Data
        do { data = try handle.read(upToCount: number(12)) ?? Data() } catch {
            throw Fault(message: "it cannot be read: \(error.localizedDescription)")
        }
        guard data.count == number(12) else { throw Fault(message: "it ends in the middle of its JSON") }
        return [UInt8](data)
    }

    /// The names of the nodes in the JSON of a model.
    static func nodeNames(json: [UInt8]) throws(Fault) -> [String] {
        let value: JSONValue
        do throws(JSONError) { value = try JSONParser().parse(json) } catch {
            throw Fault(message: "it is no glTF: \(error.message)")
        }
        guard let object = value.object, object["asset"]?.object != nil else {
            throw Fault(message: "it is no glTF: it has no `asset`")
        }
        guard case .array(let nodes)? = object["nodes"] else { return [] }
        return nodes.compactMap { $0.object?["name"]?.string }
    }
}
