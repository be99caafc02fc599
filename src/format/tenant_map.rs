//! Reads the file that maps ids and domains of another tenant to this one, for `plan --map`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::settings::Reader;
use super::yaml;
use crate::model::{Finding, TenantMap};

const KNOWN: [&str; 3] = ["ids", "domains", "leaveOut"];

/// Reads a map. An empty file is valid and maps nothing.
///
/// # Errors
/// Findings, with file and line.
pub fn read(path: &str, bytes: &[u8]) -> Result<TenantMap, Vec<Finding>> {
    let says = |line: &&[u8]| !line.is_empty() && !line.starts_with(b"#");
    if bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).find(says).is_none() {
        return Ok(TenantMap::default());
    }
    let document = yaml::read(path, bytes)?;
    let mut reader = Reader { path, document: &document, check: "map", findings: Vec::new() };
    for name in document.value.keys().filter(|name| !KNOWN.contains(&name.as_str())) {
        let message = format!("`{}` means nothing here; known are {}", name.escape_debug(), KNOWN.join(", "));
        reader.say(&format!("/{name}"), message);
    }
    let lower = |(there, here): (String, String)| (there.to_lowercase(), here.to_lowercase());
    let map = TenantMap {
        ids: pairs(&mut reader, "ids"),
        domains: pairs(&mut reader, "domains").into_iter().map(lower).collect(),
        leave_out: reader.texts(&document.value, "leaveOut").into_iter().collect(),
    };
    for (index, id) in
        reader.texts(&document.value, "leaveOut").iter().enumerate().filter(|(_, id)| map.ids.contains_key(*id))
    {
        reader.say(
            &format!("/leaveOut/{index}"),
            format!("{} also stands under `ids`: it cannot be both", id.escape_debug()),
        );
    }
    if reader.findings.is_empty() { Ok(map) } else { Err(reader.findings) }
}

fn pairs(reader: &mut Reader<'_>, name: &str) -> BTreeMap<String, String> {
    let empty = Map::new();
    let map = match reader.document.value.get(name) {
        None | Some(Value::Null) => &empty,
        Some(Value::Object(map)) => map,
        Some(_) => {
            reader.say(&format!("/{name}"), format!("`{name}` is a map: what it is there, a colon, what it is here"));
            &empty
        }
    };
    let mut pairs = BTreeMap::new();
    for (there, here) in map {
        match here.as_str().filter(|here| !here.is_empty()) {
            Some(here) => drop(pairs.insert(there.clone(), here.to_owned())),
            None => {
                let message = "what stands for it here is a text; name what has no counterpart under `leaveOut`";
                reader.say(&format!("/{name}/{there}"), message.to_owned());
            }
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        match read("map.yaml", text.as_bytes()) {
            Ok(map) => format!("{map:?}"),
            Err(found) => {
                found.iter().map(|f| format!("{}:{}: {}", f.path, f.line, f.message)).collect::<Vec<_>>().join("\n")
            }
        }
    }

    #[test]
    fn a_map_is_read_and_mistakes_have_lines() {
        insta::assert_snapshot!(said("# nothing\n\n"), @"TenantMap { ids: {}, domains: {}, leave_out: {} }");
        insta::assert_snapshot!(
            said("ids:\n  a: b\ndomains:\n  Contoso.com: fabrikam.net\nleaveOut:\n  - c\n"),
            @r#"TenantMap { ids: {"a": "b"}, domains: {"contoso.com": "fabrikam.net"}, leave_out: {"c"} }"#
        );
        insta::assert_snapshot!(said("ids:\n  a: 1\n  b: c\nleave: []\nleaveOut:\n  - b\ndomains: x\n"), @r"
        map.yaml:4: `leave` means nothing here; known are ids, domains, leaveOut
        map.yaml:2: what stands for it here is a text; name what has no counterpart under `leaveOut`
        map.yaml:7: `domains` is a map: what it is there, a colon, what it is here
        map.yaml:6: b also stands under `ids`: it cannot be both
        ");
    }
}
