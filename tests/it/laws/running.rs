//! What holds when a plan is carried out: on a tenant that does as it is told, and on one that fails.

use std::collections::BTreeMap;

use entragit::engine::plan::not_creatable;
use entragit::model::kind::{Deletion, Updates};
use entragit::model::{Action, Address, Plan, Step, Write};
use entragit::tenant::{Raw, TenantRead, TenantWrite};
use proptest::prelude::*;
use serde_json::json;

use super::config;
use crate::support::case::{Case, Trouble, block_on, failures, read, titles};
use crate::support::generated::sides::Sides;
use crate::support::generated::{SECRET, complete, named, world};

/// Whether a step brings links to light that no plan could see before: those of an object in the recycle bin, and the
/// members that a rule computed for a group that is assigned from now on.
fn shows_links(step: &Step) -> bool {
    match &step.action {
        Action::Restore => true,
        Action::Update { body, .. } => step.address.kind.name == "group" && body.contains_key("groupTypes"),
        _ => false,
    }
}

/// What may be left after such a plan.
fn is_leftover(plan: &Plan) -> bool {
    plan.steps.iter().all(|step| matches!(step.action, Action::Unlink { .. } | Action::Relink { .. }))
}

fn lost() -> impl Strategy<Value = BTreeMap<usize, bool>> {
    proptest::collection::btree_map(0_usize..30, any::<bool>(), 1..6)
}

proptest! {
    #![proptest_config(config())]

    /// Law 2, and the rest of law 9.
    #[test]
    fn carrying_out_a_plan_gives_what_is_wanted(world in world(), concurrency in 1_usize..5) {
        block_on(async {
            let mut case = Case::new(&world, concurrency).await;
            let first = case.plan().await;
            let outcome = case.run(&first, "first", Trouble::default()).await.unwrap();
            assert_eq!(outcome.failed, [], "{}", failures(&first, &outcome));
            assert_eq!(outcome.skipped, Vec::<usize>::new());
            assert!(outcome.stale.is_empty());
            assert_eq!(outcome.done, first.steps.len());
            let second = case.plan().await;
            let unseen = first.steps.iter().any(shows_links);
            assert!(second.steps.is_empty() || (unseen && is_leftover(&second)), "{}", titles(&second));
            assert!(case.settle().await <= 1);
            assert_eq!(case.differences(&first).await, Vec::<String>::new());
            assert!(!case.said.lock().unwrap().contains(SECRET));
            for file in std::fs::read_dir(case.dir.path().join("entragit/journal")).unwrap() {
                assert!(!std::fs::read_to_string(file.unwrap().path()).unwrap().contains(SECRET));
            }
            assert!(!format!("{outcome:?}").contains(SECRET));
        });
    }

    /// Law 10: killed, once or twice, with or without a torn line in the journal; taken up, then planned again.
    #[test]
    fn a_run_that_was_killed_is_taken_up(world in world(), concurrency in 1_usize..4, at in 0_usize..40, carried: bool,
        again in proptest::option::of((0_usize..20, any::<bool>())), torn: bool) {
        block_on(async {
            let mut case = Case::new(&world, concurrency).await;
            let first = case.plan().await;
            let kills: Vec<(usize, bool)> = std::iter::once((at, carried)).chain(again).collect();
            let mut ended = false;
            for killed in kills {
                ended |= case.run(&first, "first", Trouble { killed: Some(killed), ..Trouble::default() }).await.is_some();
                if ended {
                    break;
                }
                if torn {
                    use std::io::Write as _;
                    let path = case.journal("first").path().to_owned();
                    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
                    file.write_all(b"{\"state\":\"do").unwrap();
                }
            }
            if !ended {
                let outcome = case.run(&first, "first", Trouble::default()).await.unwrap();
                assert_eq!(outcome.failed, [], "{}", failures(&first, &outcome));
            }
            case.settle().await;
            assert_eq!(case.differences(&first).await, Vec::<String>::new());
        });
    }

    /// Law 10: the tenant goes down; planned again.
    #[test]
    fn a_tenant_that_fails_is_planned_again(world in world(), concurrency in 1_usize..4, from in 0_usize..40) {
        block_on(async {
            let mut case = Case::new(&world, concurrency).await;
            let first = case.plan().await;
            let trouble = Trouble { down: Some(from), ..Trouble::default() };
            let outcome = case.run(&first, "first", trouble).await.unwrap();
            assert_eq!(outcome.done + outcome.failed.len() + outcome.skipped.len(), first.steps.len());
            case.settle().await;
            assert_eq!(case.differences(&first).await, Vec::<String>::new());
        });
    }

    /// Law 10: answers get lost; planned again.
    #[test]
    fn lost_answers_make_no_duplicates(world in world(), concurrency in 1_usize..4, lost in lost()) {
        block_on(async {
            let mut case = Case::new(&world, concurrency).await;
            let first = case.plan().await;
            let outcome = case.run(&first, "first", Trouble { lost, ..Trouble::default() }).await.unwrap();
            let left = outcome.failed.len() + outcome.skipped.len() + outcome.uncertain.len();
            assert_eq!(outcome.done + left, first.steps.len());
            case.settle().await;
            assert_eq!(case.differences(&first).await, Vec::<String>::new());
        });
    }

    /// Everything is deleted after objects were created again: the same commit still finds them, by their new ids.
    #[test]
    fn an_old_commit_is_reached_through_the_id_map(world in world(), concurrency in 1_usize..5) {
        block_on(async {
            let mut case = Case::new(&world, concurrency).await;
            let mut said = case.plan().await;
            case.settle().await;
            let (live, _) = read(&case.tenant).await;
            for (address, object) in &live.objects {
                let kind = named(address.kind.name);
                if kind.deletion != Deletion::Never && not_creatable(kind, object).is_none() {
                    case.tenant.write(&Write::Delete { kind, id: address.id.clone() }).await.unwrap();
                }
            }
            let again = case.plan().await;
            let soft = |step: &Step| matches!(named(step.address.kind.name).deletion, Deletion::Soft { .. });
            let anew = again.steps.iter().find(|step| soft(step) && matches!(step.action, Action::Create { .. }));
            assert_eq!(anew, None);
            said.losses.extend(again.losses);
            case.settle().await;
            assert_eq!(case.differences(&said).await, Vec::<String>::new());
        });
    }

    /// Law 13.
    #[test]
    fn what_moved_since_gets_no_write(world in world(), which in any::<prop::sample::Index>(), concurrency in 1_usize..5) {
        block_on(async {
            let mut case = Case::new(&world, concurrency).await;
            let plan = case.plan().await;
            // What cannot be changed does not move.
            let moves = |address: &&Address| named(address.kind.name).update != Updates::Nothing;
            let seen: Vec<&Address> = plan.seen.keys().filter(moves).collect();
            if seen.is_empty() {
                return;
            }
            let moved = (*which.get(&seen)).clone();
            let kind = named(moved.kind.name);
            let (property, value) = match kind.name {
                "authorizationPolicy" => ("allowInvitesFrom", "adminsAndGuestInviters"),
                "authenticationMethodsPolicy" => ("policyMigrationState", "migrationInProgress"),
                _ => ("displayName", "Moved"),
            };
            let body = Raw::from_iter([(property.to_owned(), json!(value))]);
            case.tenant.write(&Write::Update { kind, id: moved.id.clone(), body }).await.unwrap();
            let before = case.tenant.get(kind, &moved.id).await.unwrap().unwrap().value;
            let outcome = case.run(&plan, "first", Trouble::default()).await.unwrap();
            let after = case.tenant.get(kind, &moved.id).await.unwrap().unwrap().value;
            assert!(outcome.stale.contains(&moved), "{}", titles(&plan));
            let properties = |raw: &Raw| raw.iter().filter(|(name, _)| kind.link(name).is_none()).map(|(k, v)| (k.clone(), v.clone())).collect::<Raw>();
            assert_eq!(properties(&before), properties(&after));
            assert_eq!(outcome.failed, []);
        });
    }
}

#[test]
fn sides_and_the_tenant_agree() {
    proptest!(config(), |(world in world())| {
        block_on(async {
            let sides = Sides::of(&world, 0);
            let (live, deleted) = read(&world.tenant().await).await;
            assert_eq!(live, sides.live);
            assert_eq!(deleted, sides.deleted);
            assert_eq!(live.coverage, complete());
        });
    });
}
