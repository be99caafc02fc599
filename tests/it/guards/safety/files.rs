//! What validation says of files: values in, findings out.

use std::collections::{BTreeMap, BTreeSet};

use entragit::engine::validate::{Context, File, validate};
use entragit::kinds;
use entragit::model::finding::Position;
use entragit::model::{Address, Coverage, CoverageMap, IdMap};
use serde_json::{Value, json};

/// `(path, kind, content)`s → `severity check path: message`, a line each.
struct Repository<'a> {
    files: Vec<(&'a str, &'static str, Value)>,
    ids: IdMap,
    taken: BTreeMap<Address, String>,
    written: Vec<&'a str>,
}

impl<'a> Repository<'a> {
    fn of(files: &[(&'a str, &'static str, Value)]) -> Self {
        Repository { files: files.to_vec(), ids: IdMap::default(), taken: BTreeMap::new(), written: Vec::new() }
    }

    fn said(&self) -> String {
        let mut coverage = CoverageMap::default();
        kinds::ALL.iter().for_each(|kind| coverage.set_kind(kind.name, Coverage::Complete));
        let addresses: BTreeSet<Address> = self
            .files
            .iter()
            .map(|(_, kind, value)| entragit::kinds::address(kind, value["id"].as_str().unwrap()).unwrap())
            .collect();
        let files: Vec<File<'_>> = self
            .files
            .iter()
            .map(|(path, kind, value)| File {
                path,
                kind: kinds::by_name(kind).unwrap(),
                path_id: None,
                value: value.as_object().unwrap(),
                position_of: &|_| Position { line: 1, column: 1 },
            })
            .collect();
        let context = Context {
            addresses: &addresses,
            coverage: &coverage,
            unknown: &BTreeMap::new(),
            had: &|_, _| false,
            written: &|path| self.written.contains(&path),
            before: &|_| Vec::new(),
            id_of: &|_, _| None,
            ids: &self.ids,
            taken: &self.taken,
        };
        let found = validate(&files, &context);
        let line = |found: &entragit::model::Finding| {
            format!("{:?} {} {}: {}", found.severity, found.check, found.path, found.message)
        };
        found.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

fn group(id: &str) -> Value {
    json!({"id": id, "displayName": "Pilot ring", "mailEnabled": false, "mailNickname": "pilot", "securityEnabled": true})
}

fn location(id: &str) -> Value {
    json!({
        "id": id, "displayName": "Office", "@odata.type": "#microsoft.graph.ipNamedLocation",
        "ipRanges": [{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "192.0.2.0/24"}], "isTrusted": false
    })
}

#[test]
fn a_label_means_one_object() {
    let one = Repository::of(&[("groups/a.yaml", "group", group("new:team"))]);
    assert_eq!(one.said(), "");
    let across = Repository::of(&[
        ("groups/a.yaml", "group", group("new:team")),
        ("l/b.yaml", "namedLocation", location("new:team")),
    ]);
    insta::assert_snapshot!(across.said(), @r"Error duplicate-label l/b.yaml: the label new:team is also in groups/a.yaml, and a reference to it could mean either; take another");
    let twice =
        Repository::of(&[("groups/a.yaml", "group", group("new:team")), ("groups/b.yaml", "group", group("new:team"))]);
    insta::assert_snapshot!(twice.said(), @r"Error duplicate-id groups/b.yaml: group new:team is also in groups/a.yaml; delete one of the two files");
    let mut again = one;
    again.taken.insert(
        entragit::kinds::address("group", "new:team").unwrap(),
        "group \"Pilot ring\" in groups/x.yaml".to_owned(),
    );
    insta::assert_snapshot!(again.said(), @r#"Error label-used groups/a.yaml: new:team was given to an object before: group "Pilot ring" in groups/x.yaml; if that is meant, edit its own file and delete this one, else take another label"#);
}

#[test]
fn two_files_for_one_object_are_refused_whatever_their_ids() {
    let (old, new) = ("00000001-1111-4000-8000-000000000001", "00000001-1111-4000-8000-000000000002");
    let mut both = Repository::of(&[("groups/a.yaml", "group", group(old)), ("groups/b.yaml", "group", group(new))]);
    assert_eq!(both.said(), "");
    both.ids.learn(old, new);
    insta::assert_snapshot!(both.said(), @r"
    Error duplicate-id groups/a.yaml: group 00000001-1111-4000-8000-000000000001 is 00000001-1111-4000-8000-000000000002 now, which the repository holds as well; delete one of the two files
    Error duplicate-id groups/b.yaml: group 00000001-1111-4000-8000-000000000002 is also in groups/a.yaml; delete one of the two files
    ");
}

#[test]
fn what_the_tool_wrote_is_warned_of_and_stands_in_nobodys_way() {
    let policy = json!({
        "id": "00000006-1111-4000-8000-000000000001", "displayName": "Block", "state": "newerThanTheSchema",
        "conditions": {"users": {"excludeGroups": ["00000001-1111-4000-8000-000000000001"]},
            "applications": {"includeApplications": ["All"]}},
        "grantControls": {"operator": "OR", "builtInControls": ["block"]}
    });
    let mut one = Repository::of(&[("p.yaml", "conditionalAccessPolicy", policy)]);
    insta::assert_snapshot!(one.said(), @r#"
    Error missing-reference p.yaml: conditions.users.excludeGroups refers to group 00000001-1111-4000-8000-000000000001, which the repository does not hold; correct the id, or add the object
    Error unknown-value p.yaml: `state`: it is one of `enabled`, `disabled`, `enabledForReportingButNotEnforced`
    "#);
    one.written.push("p.yaml");
    insta::assert_snapshot!(one.said(), @r#"
    Warning missing-reference p.yaml: conditions.users.excludeGroups refers to group 00000001-1111-4000-8000-000000000001, which the repository does not hold; the tenant had it like this; it is left as it is
    Warning unknown-value p.yaml: `state`: it is one of `enabled`, `disabled`, `enabledForReportingButNotEnforced`
    "#);
}
