//! Plans that need the approval of others: who may give it, over what, and that nothing else counts.

use std::path::{Path, PathBuf};
use std::process::Command;

use entragit::emulator::contoso::names;
use entragit::model::Events;
use entragit::ops::apply::approve::{Demand, approvals, check_time};
use entragit::ops::{Context, apply};
use serde_json::{Value, json};

use crate::support::command_line::World;
use crate::support::long::is_long_run;

/// A key pair: the private file, and the line that allows its owner.
fn key(folder: &Path, who: &str, mail: &str) -> (PathBuf, String) {
    let path = folder.join(who);
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", who, "-f"]).arg(&path).status();
    assert!(made.is_ok_and(|status| status.success()), "these tests need OpenSSH's ssh-keygen");
    let public = std::fs::read_to_string(path.with_extension("pub")).unwrap();
    (path, format!("{mail} {}", public.trim()))
}

/// A tenant whose repository asks for two approvals, and a plan to put right what somebody changed.
async fn world(keys: &Path) -> World {
    let world = World::new().await;
    let signers: Vec<String> = [("ada", "ada@contoso.com"), ("bob", "bob@contoso.com"), ("test", "test@localhost")]
        .map(|(who, mail)| format!("    - {}\n", key(keys, who, mail).1))
        .to_vec();
    let settings = std::fs::read_to_string(world.path().join("entragit.yaml")).unwrap();
    world.write("entragit.yaml", &format!("{settings}approval:\n  require: 2\n  signers:\n{}", signers.concat()));
    world.commit("two approve");
    world.run(&["export"]).ok();
    let group = format!("/v1.0/groups/{}", names::REMOTE_WORKERS);
    assert_eq!(world.graph.patch(&group, json!({"description": "Theirs"})).await.0, 204);
    world.git(&["config", "user.name", "Test"]);
    world.git(&["config", "user.email", "Test@localhost"]);
    world.run(&["plan", "--to", "HEAD", "--out", "plan.json"]).ends(2);
    world
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_others_must_have_signed() {
    let keys = tempfile::tempdir().unwrap();
    let world = world(keys.path()).await;
    let refused = |said: &str| {
        let ran = world.run(&["apply", "plan.json", "--yes"]).ends(3);
        assert!(ran.err.contains(said), "{}", ran.err);
    };
    let sign = |who: &str| world.run(&["sign", "plan.json", "--key", &text(&keys.path().join(who)), "--yes"]).ok();
    refused("0 of 2 approvals; no signature counts");
    let ran = world.run(&["apply", "--to", "HEAD", "--yes"]).ends(3);
    assert!(ran.err.contains("a plan needs the approval of 2") && ran.err.contains("entragit sign"), "{}", ran.err);
    assert!(sign("ada").err.contains("description: Theirs →"), "what is approved is shown");
    refused("1 of 2 approvals");
    world.git(&["config", "user.signingKey", &text(&keys.path().join("ada"))]);
    world.run(&["sign", "plan.json", "--out", "plan.json.again.sig", "--yes"]).ok();
    refused("ada@contoso.com has approved already");
    // Whoever made the plan does not approve it, and strangers do not either.
    sign("test");
    refused("test@localhost made what is to be approved");
    key(keys.path(), "eve", "eve@contoso.com");
    sign("eve");
    refused("1 of 2 approvals");
    // Neither the work tree nor a commit that is applied says how many it takes; a flag can only ask for more.
    let settings = std::fs::read_to_string(world.path().join("entragit.yaml")).unwrap();
    world.write("entragit.yaml", &settings.replace("require: 2", "require: 1"));
    refused("1 of 2 approvals");
    sign("bob");
    world.run(&["apply", "plan.json", "--yes", "--require-approvals", "3"]).ends(3);
    let ran = world.run(&["apply", "plan.json", "--yes", "--json"]).ok();
    assert!(ran.err.contains("approved by bob@contoso.com (SHA256:"), "{}", ran.err);
    assert_eq!(ran.json()["approvals"].as_array().unwrap().len(), 2);
    let receipt = world.git(&["log", "-1", "--format=%B", "snapshots"]);
    assert_eq!(receipt.matches("Entragit-Approved-By: ").count(), 2, "{receipt}");
    // Others can check a signature without this program.
    let signature = std::fs::read_dir(world.path()).unwrap().map(|entry| entry.unwrap().path());
    let signature = signature.filter(|path| path.extension().is_some_and(|end| end == "sig")).max().unwrap();
    let checked = Command::new("ssh-keygen")
        .args(["-Y", "check-novalidate", "-n", "entragit-plan", "-s", &text(&signature)])
        .stdin(std::fs::File::open(world.path().join("plan.json")).unwrap())
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
}

/// Neither a message that reads like a snapshot's nor another base in the plan file hides who wrote what is wanted.
#[tokio::test(flavor = "multi_thread")]
async fn an_author_hides_behind_no_message() {
    let keys = tempfile::tempdir().unwrap();
    let world = world(keys.path()).await;
    let group = world.git(&["ls-files", &format!("groups/*{}.yaml", names::REMOTE_WORKERS)]);
    let text = std::fs::read_to_string(world.path().join(&group)).unwrap();
    world.write(&group, &text.replace("description: ", "description: Hers, "));
    let body = "Snapshot of Contoso\n\nEntragit-Tenant: 1\nEntragit-Objects: 1\nEntragit-Coverage: complete";
    world.git(&["commit", "-qam", body, "--author=Ada <Ada@contoso.com>"]);
    world.run(&["plan", "--to", "HEAD", "--out", "plan.json"]).ends(2);
    for rebased in [false, true] {
        if rebased {
            let mut plan: Value =
                serde_json::from_slice(&std::fs::read(world.path().join("plan.json")).unwrap()).unwrap();
            plan["base"] = plan["commit"].clone();
            world.write("plan.json", &serde_json::to_string_pretty(&plan).unwrap());
        }
        for who in ["ada", "bob"] {
            let key = keys.path().join(who).to_string_lossy().into_owned();
            let out = format!("plan.json.{who}.sig");
            world.run(&["sign", "plan.json", "--key", &key, "--out", &out, "--yes"]).ok();
        }
        let ran = world.run(&["apply", "plan.json", "--yes"]).ends(3);
        assert!(ran.err.contains("1 of 2 approvals"), "{}", ran.err);
        assert!(ran.err.contains("ada@contoso.com made what is to be approved"), "{}", ran.err);
    }
}

/// The same for every thousandth part of a plan: what was signed, and nothing else. Without the long form it is a hundred
/// mutations, of each manner.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_thousand_mutations_none_is_accepted() {
    let keys = tempfile::tempdir().unwrap();
    let world = world(keys.path()).await;
    for who in ["ada", "bob"] {
        world.run(&["sign", "plan.json", "--key", &text(&keys.path().join(who)), "--out", who, "--yes"]).ok();
    }
    let signatures = ["ada", "bob"].map(|who| world.path().join(who));
    let plan = std::fs::read(world.path().join("plan.json")).unwrap();
    let open = || {
        let mut context = Context::open(world.path(), Events::silent()).unwrap();
        context.signed_in.clear();
        context
    };
    let accepted = |context: &Context, plan: &[u8], signatures: &[PathBuf]| {
        let demand = Demand { signatures: signatures.to_vec(), ..Demand::default() };
        apply::open(context, plan).is_ok_and(|ready| {
            check_time(&ready.binding).is_ok() && approvals(context, &ready, &demand).is_ok_and(|all| all.len() == 2)
        })
    };
    let context = open();
    assert!(accepted(&context, &plan, &signatures), "as it was made it is");
    let mut dice = fastrand::Rng::with_seed(1);
    let mut tried = 0;
    let share = |count: usize| if is_long_run() { count } else { count / 10 };
    let mut try_one = |context: &Context, plan: &[u8], signatures: &[PathBuf], what: &str| {
        tried += 1;
        assert!(!accepted(context, plan, signatures), "{what} was accepted");
    };
    for _ in 0..share(350) {
        let mut other = plan.clone();
        let at = dice.usize(..other.len());
        other[at] ^= 1 << dice.u8(..8);
        try_one(&context, &other, &signatures, "a bit of the plan");
    }
    for round in 0..share(150) {
        let mut other = plan.clone();
        match round % 3 {
            0 => drop(other.remove(dice.usize(..other.len()))),
            1 => other.insert(dice.usize(..other.len()), b' '),
            _ => other.truncate(dice.usize(..other.len())),
        }
        try_one(&context, &other, &signatures, "a byte more or less");
    }
    // Edits that leave a plan which reads well.
    let value: Value = serde_json::from_slice(&plan).unwrap();
    let head = world.git(&["rev-parse", "HEAD"]);
    let before = world.git(&["rev-parse", "HEAD~1"]);
    for round in 0..share(150) {
        let mut other = value.clone();
        match round % 10 {
            0 => other["expires"] = json!("2099-01-01T00:00:00Z"),
            1 => other["author"] = json!(format!("nobody{round}@contoso.com")),
            2 => other["commit"] = json!(before),
            3 => other["base"] = json!(head[..39].to_owned() + if head.ends_with('0') { "1" } else { "0" }),
            4 => other["prune"] = json!(true),
            5 => other["scope"] = json!({"kinds": ["group"], "names": [round.to_string()]}),
            6 => other["steps"] = json!([]),
            7 => other["steps"][0]["body"]["description"] = json!(format!("Eve's {round}")),
            8 => other["steps"][0]["id"] = json!(names::ORDER_APPROVERS),
            _ => other["seen"] = json!([]),
        }
        let bytes = serde_json::to_vec_pretty(&other).unwrap();
        try_one(&context, &bytes, &signatures, "an edit");
    }
    // Its approvals.
    let armour = std::fs::read_to_string(&signatures[1]).unwrap();
    let body: Vec<usize> = {
        let end = armour.rfind("\n-----END").unwrap();
        let last = armour[..end].rfind('\n').unwrap();
        // The 14th letter is the version of the format, of which OpenSSH takes any up to its own: the signature is the same.
        let first = armour.find('\n').unwrap() + 1;
        (first..last).filter(|at| armour.as_bytes()[*at] != b'\n' && *at != first + 13).collect()
    };
    let forged = world.path().join("forged");
    for _ in 0..share(200) {
        let mut other = armour.clone().into_bytes();
        let at = body[dice.usize(..body.len())];
        other[at] = if other[at] == b'A' { b'B' } else { b'A' };
        std::fs::write(&forged, other).unwrap();
        try_one(&context, &plan, &[signatures[0].clone(), forged.clone()], "a signature");
    }
    for (at, who) in ["ada", "bob", "test", "mallory"].iter().cycle().take(share(60)).enumerate() {
        if *who == "mallory" && at == 3 {
            key(keys.path(), "mallory", "bob@contoso.com");
        }
        let namespace = if at % 2 == 0 { "git" } else { "entragit-plan" };
        let over: Vec<u8> = if at % 2 == 0 { plan.clone() } else { [&plan[..], at.to_string().as_bytes()].concat() };
        let signature = entragit::repo::sshsig::sign(&keys.path().join(who), namespace, &over).unwrap();
        std::fs::write(&forged, signature).unwrap();
        try_one(&context, &plan, &[signatures[0].clone(), forged.clone()], "a signature over something else");
    }
    for round in 0..share(40) {
        let one = signatures[round % 2].clone();
        try_one(&context, &plan, &[one.clone(), one], "one signature twice");
    }
    // Its tenant, and who may sign.
    for at in 0..share(50) {
        let mut other = open();
        match at % 2 {
            0 => other.settings.tenant = format!("{at:08}-0000-4000-8000-000000000000"),
            _ => drop(other.settings.approval.signers.remove(at / 2 % 2)),
        }
        try_one(&other, &plan, &signatures, "another tenant, or other signers");
    }
    assert!(accepted(&context, &plan, &signatures));
    assert_eq!(tried, share(1_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_file_holds_for_a_day() {
    let world = World::exported().await;
    let group = format!("/v1.0/groups/{}", names::REMOTE_WORKERS);
    assert_eq!(world.graph.patch(&group, json!({"description": "Theirs"})).await.0, 204);
    world.run(&["plan", "--to", "HEAD", "--out", "plan.json"]).ends(2);
    let mut plan: Value = serde_json::from_slice(&std::fs::read(world.path().join("plan.json")).unwrap()).unwrap();
    let until: jiff::Timestamp = plan["expires"].as_str().unwrap().parse().unwrap();
    let left = until.duration_since(jiff::Timestamp::now());
    assert!((23 * 3_600..=24 * 3_600).contains(&left.as_secs()), "{left}");
    for old in [json!("2026-01-01T00:00:00Z"), json!(""), json!("for ever")] {
        plan["expires"] = old;
        world.write("plan.json", &plan.to_string());
        let ran = world.run(&["apply", "plan.json", "--yes"]).ends(5);
        assert!(ran.err.contains("make the plan anew"), "{}", ran.err);
        world.run(&["sign", "plan.json", "--yes"]).ends(5);
    }
    assert_eq!(world.graph.ok(&group).await["description"], "Theirs");
}
