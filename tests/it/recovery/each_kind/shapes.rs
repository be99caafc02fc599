//! Tells kinds apart as a recovery sees them: how Graph creates, changes and deletes its objects and what hangs on them.

use std::collections::BTreeSet;
use std::fmt::Debug;

use entragit::engine::schema;
use entragit::kinds;
use entragit::model::Kind;
use entragit::model::kind::{Creation, Link, LinkShape};

/// Returns kinds that have between them every feature of all these, and those that add nothing to them. Taken is again and again
/// the kind that has most of what the others lack.
pub(super) fn representatives(all: &[&'static Kind]) -> (Vec<&'static Kind>, Vec<&'static Kind>) {
    let (mut seen, mut taken, mut rest) = (BTreeSet::new(), Vec::new(), all.to_vec());
    loop {
        let added = |kind: &&'static Kind| features(kind).difference(&seen).count();
        let best = (0..rest.len()).rev().max_by_key(|at| added(&rest[*at]));
        let Some(best) = best.filter(|at| added(&rest[*at]) > 0) else { return (taken, rest) };
        let kind = rest.remove(best);
        seen.extend(features(kind));
        taken.push(kind);
    }
}

fn features(kind: &'static Kind) -> BTreeSet<String> {
    let creation = match kind.creation {
        Creation::Post { accepts, generates, .. } => format!("Post {} {}", variant(accepts), generates.len()),
        other => format!("{other:?}").split('{').next().unwrap_or_default().to_owned(),
    };
    let (update, deletion) = (variant(kind.update), variant(kind.deletion));
    let mut features = BTreeSet::from([
        format!("{creation}, {update}, {deletion}"),
        variant(kind.shape),
        variant(kind.api),
        variant(kind.select),
    ]);
    let schema = schema::of(kind);
    let flags = [
        ("no natural key", kind.natural.is_empty()),
        ("about", !kind.about.is_empty()),
        ("credentials", !kind.credentials.is_empty()),
        ("borrowed", !kind.borrowed.is_empty()),
        ("passing", kind.passing.is_some()),
        ("twin", kind.twin.is_some()),
        ("key", kind.key != "id"),
        ("for each", kind.for_each.is_some()),
        ("requests", kind.requests.is_some()),
        ("owned elsewhere", kind.owned_elsewhere.is_some()),
        ("variants", !kind.variants.is_empty()),
        ("not creatable", kind.variants.iter().any(|variant| variant.not_creatable.is_some())),
        ("identities", !schema.identities().is_empty()),
        ("refers", !schema.refers_to().is_empty()),
        ("refers to itself", schema.refers_to().contains(kind.name)),
        ("is referred to", kinds::ALL.iter().any(|other| schema::of(other).refers_to().contains(kind.name))),
    ];
    features.extend(flags.into_iter().filter(|(_, has)| *has).map(|(name, _)| name.to_owned()));
    features.extend(kind.calls.iter().map(|call| format!("call {}", variant(call.form))));
    for link in kind.links {
        link_features(link, &mut features);
    }
    features
}

fn link_features(link: &Link, features: &mut BTreeSet<String>) {
    features.insert(format!("read {}", variant(link.read)));
    let flags = [
        ("at", link.at.is_some()),
        ("ends", !link.ends.is_empty()),
        ("exclusive", link.exclusive),
        ("api", link.api.is_some()),
        ("absent", link.absent.is_some()),
        ("not written", !link.is_written()),
    ];
    let insert = |features: &mut BTreeSet<String>, flags: &[(&str, bool)]| {
        features.extend(flags.iter().filter(|(_, has)| *has).map(|(name, _)| format!("link {name}")));
    };
    insert(features, &flags);
    if let LinkShape::Children(children) = link.shape {
        insert(
            features,
            &[
                ("child with its id", children.keeps_id),
                ("child with its owner", children.owner.is_some()),
                ("child with a prefix", children.prefixed.is_some()),
                ("child by requests", children.requests.is_some()),
                ("child to be found", children.finds.is_some()),
            ],
        );
        features.insert(format!(
            "child {} {} {} {}",
            children.single,
            children.create.is_some(),
            variant(children.update),
            children.delete
        ));
    } else {
        features.insert(variant(link.shape));
    }
}

/// Returns the name of the variant of an enum, without what it holds.
fn variant(value: impl Debug) -> String {
    format!("{value:?}").chars().take_while(|letter| letter.is_alphanumeric()).collect()
}

/// A sample that left out a feature, or was nearly all, would not be noticed where it is used.
#[test]
fn representatives_have_every_feature_and_are_fewer_than_half() {
    let all = kinds::ALL;
    let (some, rest) = representatives(all);
    let of = |kinds: &[&'static Kind]| kinds.iter().flat_map(|kind| features(kind)).collect::<BTreeSet<_>>();
    println!("{}: {:?}", some.len(), some.iter().map(|kind| kind.name).collect::<Vec<_>>());
    assert_eq!(of(&some), of(all));
    assert_eq!(some.len() + rest.len(), all.len());
    assert!(some.len() * 2 < all.len(), "{} of {}", some.len(), all.len());
}
