use serde_json::{Map, Value, json};

use super::*;
use crate::engine::render::fits::assert_fits;
use crate::model::{Action, Level, Risk, Step};

const ID: &str = "6a46cf97-e63a-4216-8572-04331c277457";
const OTHER: &str = "0b1c2d3e-e63a-4216-8572-04331c277457";

fn group() -> Address {
    kinds::address("group", ID).unwrap()
}

fn body() -> Map<String, Value> {
    Map::from_iter([("displayName".to_owned(), json!("Sales"))])
}

fn changes() -> Vec<FieldChange> {
    let path = || "members".to_owned();
    vec![
        FieldChange::Value { path: "mail".to_owned(), before: Some(json!(null)), after: Some(json!("a@contoso.com")) },
        FieldChange::Value { path: "rule".to_owned(), before: Some(json!({"a": [1]})), after: None },
        FieldChange::Gained { path: path(), element: json!(ID) },
        FieldChange::Lost { path: path(), element: json!(OTHER) },
    ]
}

fn steps() -> Vec<Step> {
    let value = || json!(OTHER);
    let actions = [
        Action::Create { body: body() },
        Action::Restore,
        Action::Update { body: body(), changes: changes() },
        Action::Call { property: "keys", value: json!({"a": 1}) },
        Action::Link { link: "members", value: value() },
        Action::Relink { link: "members", value: value() },
        Action::Unlink { link: "members", value: value() },
        Action::Delete,
    ];
    let bare = |action| Step {
        address: group(),
        called: "group",
        name: "Sales\u{202e}".to_owned(),
        about: Vec::new(),
        action,
        identities: BTreeMap::new(),
        needs: Vec::new(),
        by: Vec::new(),
        risks: Vec::new(),
    };
    let mut steps: Vec<Step> = actions.into_iter().map(bare).collect();
    steps[0].identities = [("appId".to_owned(), OTHER.to_owned())].into();
    steps[2].about = vec![OTHER.to_owned()];
    steps[2].by = vec!["Ada, 2026-11-23".to_owned()];
    steps[2].needs = vec![0, 1];
    let risk = |path: &str, weakens| Risk {
        level: Level::High,
        rule: "exclusion-added".to_owned(),
        says: "an exclusion was added".to_owned(),
        path: path.to_owned(),
        line: 3,
        weakens,
    };
    steps[2].risks = vec![risk("members", true), risk("", false)];
    steps
}

fn losses() -> Vec<Loss> {
    let text = || "a reason".to_owned();
    let parts = vec![
        LossKind::NewId,
        LossKind::ClientSecrets(2),
        LossKind::Certificates(1),
        LossKind::Password,
        LossKind::Licences,
        LossKind::NotCreatable(text()),
        LossKind::NotCreatableWithout(text()),
        LossKind::Conflict(text()),
        LossKind::Other(text()),
    ];
    vec![Loss { address: group(), name: "Sales".to_owned(), parts }]
}

fn left() -> Vec<Left> {
    let text = || "a reason".to_owned();
    let obstacles = [
        Obstacle::ReadOnly,
        Obstacle::Fixed,
        Obstacle::MustHaveValue,
        Obstacle::OneWay,
        Obstacle::NotUpdatable,
        Obstacle::CredentialGone,
        Obstacle::NotCreatable(text()),
        Obstacle::NotDeletable,
        Obstacle::OwnedElsewhere(text()),
        Obstacle::Unmanaged,
        Obstacle::UnknownProperty,
        Obstacle::TargetMissing,
        Obstacle::Ended,
        Obstacle::Other,
    ];
    let whats = [ChangeKind::Added, ChangeKind::Removed, ChangeKind::Modified(changes())];
    let one = |(obstacle, what)| Left {
        address: group(),
        called: "group",
        name: "Sales".to_owned(),
        what,
        obstacle,
        by: vec!["Ada, 2026-11-23".to_owned()],
    };
    obstacles.into_iter().zip(whats.into_iter().cycle()).map(one).collect()
}

fn binding() -> Binding {
    let (commit, words) = ("a".repeat(40), || vec!["Sales*".to_owned()]);
    Binding {
        tenant: ID.to_owned(),
        commit: commit.clone(),
        expires: "2026-11-24T12:00:00Z".to_owned(),
        author: "ada@contoso.com".to_owned(),
        base: commit.clone(),
        scope: ScopeDocument {
            kinds: vec!["group".to_owned()],
            ids: vec![ID.to_owned()],
            names: words(),
            properties: vec!["members".to_owned()],
            exclude: words(),
        },
        prune: true,
        since: commit,
        adopted: BTreeMap::from([(ID.to_owned(), OTHER.to_owned())]).into(),
    }
}

fn verdicts() -> Vec<Verdict> {
    let verdict = |refused, objects| Verdict {
        guard: "mass-delete",
        refused,
        message: "It deletes 9 objects.".to_owned(),
        objects,
    };
    vec![verdict(true, vec![format!("group/{ID}")]), verdict(false, Vec::new())]
}

#[test]
fn every_part_of_a_plan_fits_the_schema() {
    let steps = steps();
    let plan = Plan {
        waves: (0..steps.len()).map(|step| vec![step]).collect(),
        steps,
        unmanaged: vec![group()],
        losses: losses(),
        left: left(),
        distance: Some(Distance { commit: "HEAD".to_owned(), objects: 3 }),
        unproven: vec!["group.members".to_owned()],
        unknown: vec![("user".to_owned(), Coverage::DeniedPermission), ("group.members".to_owned(), Coverage::Partial)],
        seen: BTreeMap::from([(group(), Seen { whole: digest::bytes(b"a"), properties: digest::bytes(b"b") })]),
    };
    let full = write(&plan, &binding(), &verdicts(), &Names::default());
    let bare = Binding {
        base: String::new(),
        scope: ScopeDocument::default(),
        prune: false,
        since: String::new(),
        adopted: IdMap::default(),
        ..binding()
    };
    assert_fits!("plan", full, write(&Plan::default(), &bare, &[], &Names::default()));
}
