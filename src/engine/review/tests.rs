//! Tests of reviews and of the text that people tick.

use serde_json::json;

use super::*;
use crate::engine::refs::Names;
use crate::engine::render::review::{Room, body};
use crate::kinds;
use crate::model::{Actor, Address, AuditEvent};

fn change(id: usize, author: &str, what: ChangeKind) -> Change {
    let actor = Actor { name: author.to_owned(), ..Actor::default() };
    Change {
        address: Address::new(kinds::by_name("group").unwrap(), id.to_string()),
        called: "group",
        name: format!("Group {id}"),
        about: Vec::new(),
        what,
        whole: Vec::new(),
        manner: None,
        risks: Vec::new(),
        path: String::new(),
        events: vec![AuditEvent { actor, ..AuditEvent::default() }],
    }
}

fn description(to: &str) -> ChangeKind {
    let (path, before, after) = ("description".to_owned(), Some(json!("a")), Some(json!(to)));
    ChangeKind::Modified(vec![FieldChange::Value { path, before, after }])
}

fn review(changes: Vec<Change>) -> Review {
    Review::of(&Report { changes, ..Report::default() }, |_| None)
}

fn text(review: &Review, ticks: &Ticks, limit: usize) -> String {
    let room = Room {
        base: "main",
        snapshot: "0123456789",
        taken: "2026-01-01T00:00:00Z",
        problem: None,
        unknown: &[],
        limit,
    };
    body(review, ticks, &Names::default(), &room)
}

/// Ticks a box of the group with this number.
fn tick(text: &str, id: usize, word: &str) -> String {
    let at = text.find(&format!("**Group {id}**")).unwrap();
    let (before, after) = text.split_at(at);
    format!("{before}{}", after.replacen(&format!("- [ ] {word} <"), &format!("- [x] {word} <"), 1))
}

#[test]
fn object_that_differs_in_its_id_alone_can_be_decided() {
    let mut made_again = change(1, "Ada", ChangeKind::Modified(Vec::new()));
    made_again.manner = Some(Lifecycle::Recreated { from: "0".to_owned() });
    let review = review(vec![made_again]);
    assert_eq!(review.proposed(&Ticks::default()).len(), 1);
    let ticks = Ticks::read(&tick(&text(&review, &Ticks::default(), 9_000), 1, "take back"));
    assert_eq!((review.decided(&ticks, Decision::Reject).len(), review.proposed(&ticks).len()), (1, 0));
}

#[test]
fn name_is_part_of_what_is_decided_about_a_new_object() {
    let first = review(vec![change(1, "Ada", ChangeKind::Added)]);
    let ticks = Ticks::read(&tick(&text(&first, &Ticks::default(), 9_000), 1, "accept"));
    let mut renamed = change(1, "Ada", ChangeKind::Added);
    renamed.name = "Global administrators".to_owned();
    let later = review(vec![renamed]);
    assert_eq!(later.tally(&ticks), Tally { changes: 1, stale: 1, ..Tally::default() });
    assert_eq!((first.decided(&ticks, Decision::Accept).len(), later.decided(&ticks, Decision::Accept).len()), (1, 0));
}

#[test]
fn stale_tick_opens_the_branch_for_nothing_else() {
    let first = review(vec![change(1, "Ada", description("b")), change(2, "Ada", description("b"))]);
    let ticks = Ticks::read(&tick(&text(&first, &Ticks::default(), 9_000), 1, "accept"));
    assert_eq!(first.proposed(&ticks).len(), 1);
    let later = review(vec![change(1, "Ada", description("c")), change(2, "Ada", description("b"))]);
    let mut ticks = ticks;
    for _ in 0..3 {
        assert_eq!(later.proposed(&ticks), []);
        ticks = Ticks::read(&text(&later, &ticks, 9_000));
    }
}

/// A text that is cut keeps what was ticked, whoever did more since.
#[test]
fn tick_is_kept_where_not_everything_fits() {
    let mut changes = vec![change(1_000, "Zoe", description("b"))];
    let first = review(changes.clone());
    let mut ticks = Ticks::read(&tick(&text(&first, &Ticks::default(), 3_900), 1_000, "take back"));
    changes.extend((0..50).map(|id| change(id, "Ada", description("b"))));
    let later = review(changes);
    for _ in 0..3 {
        let text = text(&later, &ticks, 3_900);
        assert!(text.chars().count() <= 3_900, "{}", text.chars().count());
        assert!(text.contains("not fit here") && text.contains("listed here, of 50"), "{text}");
        ticks = Ticks::read(&text);
        assert_eq!(later.tally(&ticks).rejected, 1);
        assert_eq!(later.proposed(&ticks).len(), 50);
    }
    // "All of an author" is all of those that are listed.
    let text = text(&later, &Ticks::default(), 3_900);
    let listed = text.matches("**Group ").count();
    let all = text.replacen("- [ ] take back all", "- [x] take back all", 1);
    assert_eq!(later.tally(&Ticks::read(&all)).rejected, listed);
}

#[test]
fn signs_of_members_are_shown() {
    let members = |element: &str, lost: bool| {
        let (path, element) = ("members".to_owned(), json!(element));
        if lost { FieldChange::Lost { path, element } } else { FieldChange::Gained { path, element } }
    };
    let both = ChangeKind::Modified(vec![members("bob", false), members("eve", true)]);
    let text = text(&review(vec![change(1, "Ada", both)]), &Ticks::default(), 9_000);
    assert!(text.contains("  - `+` members: bob\n  - `-` members: eve\n"), "{text}");
}
