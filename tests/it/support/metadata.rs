//! Microsoft's metadata as `src/emulator/metadata/` holds it, in one piece for each version.

use std::sync::LazyLock;

use entragit::model::kind::Api;
use serde_json::{Map, Value};

static V1: LazyLock<Value> = LazyLock::new(|| whole(Api::V1));
static BETA: LazyLock<Value> = LazyLock::new(|| whole(Api::Beta));

/// `types` and `paths` of a version, with what only Microsoft's pages say folded in. What beta refers to and does not hold is
/// v1.0's.
pub fn of(api: Api) -> &'static Value {
    match api {
        Api::V1 => &V1,
        Api::Beta => &BETA,
    }
}

fn whole(api: Api) -> Value {
    let parse = |text: &str| serde_json::from_str::<Value>(text).expect("metadata is JSON");
    let (file, name) = match api {
        Api::V1 => (include_str!("../../../src/emulator/metadata/v1.0.json"), "v1.0"),
        Api::Beta => (include_str!("../../../src/emulator/metadata/beta.json"), "beta"),
    };
    let documented = parse(include_str!("../../../src/emulator/metadata/documented.json"))[name].clone();
    let mut types = match api {
        Api::V1 => Map::new(),
        Api::Beta => object(&of(Api::V1)["types"]),
    };
    types.extend(object(&parse(file)["types"]));
    types.extend(object(&documented["types"]));
    for part in ["properties", "navigation"] {
        for (name, more) in object(&documented[part]) {
            let own = &mut types.get_mut(&name).expect("a type of the description")[part];
            let all = own.as_array().into_iter().chain(more.as_array()).flatten().cloned().collect();
            *own = Value::Array(all);
        }
    }
    serde_json::json!({ "types": types, "paths": documented["paths"] })
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
