import EgizPostgres
import EgizTwin

/// 3D models as JSON.
enum ModelText {
    static func json(_ model: StoredModel) -> [UInt8] {
        var out = JSONOutput()
        write(model, into: &out)
        return out.bytes
    }

    static func write(_ model: StoredModel, into out: inout JSONOutput) {
        out.beginObject()
        out.member("modelId", model.id.text)
        out.member("project", model.project?.text)
        out.member("name", model.name)
        out.member("mediaType", model.mediaType)
        out.member("bytes", model.bytes)
        out.member("sha256", model.sha256)
        out.member("nodeCount", model.nodeCount)
        out.key("transform")
        out.raw(model.transform)
        out.member("version", model.version)
        out.member("createdAt", model.createdAt.text)
        out.member("updatedAt", model.updatedAt.text)
        out.endObject()
    }
}
