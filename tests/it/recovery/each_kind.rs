//! Every kind by itself: what becomes of the others when it cannot be read, and of it when it is destroyed.

mod destroying;
mod shapes;

use std::collections::BTreeSet;

use entragit::emulator::{Options, Seed};
use entragit::kinds;
use entragit::model::kind::{Profile, Readers};
use entragit::model::{Coverage, Kind};
use entragit::ops::commit::source::Side;
use entragit::ops::snapshot::export::{Extra, export};

use crate::support::in_process::World;

/// What can ail a kind, and what the manifest then says.
const AILMENTS: [(&str, &[Coverage]); 4] = [
    ("denied", &[Coverage::DeniedPermission]),
    ("unlicensed", &[Coverage::DeniedLicence]),
    ("broken", &[Coverage::Failed]),
    ("expired", &[Coverage::Failed, Coverage::Partial]),
];

async fn everything() -> World {
    let mut world = World::empty(Options { seed: Seed::Contoso, ..Options::default() }).await;
    world.context.settings.scope.profile = Profile::Everything;
    assert!(export(&world.context, &world.tenant, &[], &Extra::default()).await.unwrap().complete);
    world
}

/// Whether a kind cannot be known where `ailing` cannot be read: they share a path, or one is listed for each of the other.
fn hangs_on(kind: &Kind, ailing: &Kind) -> bool {
    kind.path == ailing.path
        || kind.for_each.is_some_and(|each| each.kind == ailing.name)
        || kind.borrowed.iter().any(|borrowed| borrowed.path == ailing.path)
}

/// Every kind fails once, each time among others that do, for each of four reasons in the long mode; every kind that has
/// nothing to do with it is exported, and what failed is carried over, file by file.
#[tokio::test(start_paused = true)]
async fn a_kind_that_cannot_be_read_takes_no_other_along() {
    // Without the organization nothing says which tenant it is, and nothing is read at all.
    let readable = |kind: &&Kind| kind.readers != Readers::PeopleOnly && kind.name != "organization";
    let ailing: Vec<&'static Kind> = kinds::ALL.iter().copied().filter(readable).collect();
    let (together, turns) = if std::env::var_os("ENTRAGIT_LAWS").is_some() { (1, AILMENTS.len()) } else { (9, 1) };
    let world = everything().await;
    let before = world.git(&["rev-parse", "snapshots"]);
    for turn in 0..turns {
        for first in 0..ailing.len().div_ceil(together) {
            let some: Vec<_> = (first..ailing.len())
                .step_by(ailing.len().div_ceil(together))
                .enumerate()
                .map(|(index, at)| (ailing[at], AILMENTS[(index + first + turn) % AILMENTS.len()]))
                // A single object has no second page.
                .filter(|(kind, ailment)| ailment.0 != "expired" || !kind.is_singleton())
                .collect();
            let words: Vec<_> = some.iter().map(|(kind, (word, _))| format!("{word}:{}", kind.name)).collect();
            world.faults(&words.join(","));
            let exported = export(&world.context, &world.tenant, &[], &Extra::default()).await.unwrap();
            assert!(!exported.complete, "{words:?}");
            let coverage = Side::commit(&world.context, "snapshots").unwrap().coverage();
            for &kind in &ailing {
                let found = coverage.kind(kind.name);
                let mut about = some.iter().filter(|(ailing, _)| hangs_on(kind, ailing));
                match (about.next(), about.next()) {
                    (None, _) => assert_eq!(found, Coverage::Complete, "{} under {words:?}", kind.name),
                    (Some((ailing, (_, said))), None) if ailing.path == kind.path => {
                        assert!(said.contains(&found), "{} is {} under {words:?}", kind.name, found.as_str());
                    }
                    _ => assert!(!found.is_complete(), "{} under {words:?}", kind.name),
                }
            }
            let changed: BTreeSet<String> =
                world.git(&["diff", "--name-only", &before, "snapshots"]).lines().map(str::to_owned).collect();
            assert_eq!(changed, BTreeSet::from(["manifest.yaml".to_owned()]), "{words:?}");
        }
    }
    world.faults("");
    assert!(export(&world.context, &world.tenant, &[], &Extra::default()).await.unwrap().complete);
    world.graph.tenant.stop().await.unwrap();
}
