//! Repositories and files that were made to harm whoever reads them: what hung, filled the memory, or was passed over in
//! silence.

#[path = "../../../examples/torture.rs"]
mod torture;

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use entragit::engine::refs::Names;
use entragit::engine::render::{Style, html, json, markdown, plan, plan_markdown, sarif, text};
use entragit::engine::saved;
use entragit::model::{Coverage, Plan};
use serde_json::json;

use crate::support::command_line::{Ran, World, hermetic};

/// Longest time that any of these commands may take in a debug build.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs a command that is ended if it takes too long.
#[track_caller]
fn within_limit(mut command: Command) -> Ran {
    let start = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let streams = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let read = |mut from: Box<dyn std::io::Read + Send>| {
        std::thread::spawn(move || {
            let mut text = String::new();
            from.read_to_string(&mut text).map(|_| text)
        })
    };
    let (out, err) = (read(Box::new(streams.0)), read(Box::new(streams.1)));
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > LIMIT {
            child.kill().unwrap();
            panic!("{command:?} takes longer than {LIMIT:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let text = |stream: std::thread::JoinHandle<std::io::Result<String>>| stream.join().unwrap().unwrap();
    Ran { code: status.code().unwrap_or(-1), out: text(out), err: text(err) }
}

/// A tenant repository of which no tenant is asked for.
struct Repository(tempfile::TempDir);

impl Repository {
    fn new() -> Repository {
        let repository = Repository(tempfile::tempdir().unwrap());
        repository.run(&["init", "--tenant", "7f9a1b2c-0000-4000-8000-000000000001"]).ends(0);
        repository
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Ran {
        within_limit(entragit(self.0.path(), arguments))
    }

    fn commit(&self, message: &str) {
        let script = format!("git add -A && git commit -qm '{message}'");
        Ran::of(&hermetic("sh", self.0.path()).args(["-c", &script]).output().unwrap()).ok();
    }

    fn pipe(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        Ran::of(&hermetic("mkfifo", self.0.path()).arg(&path).output().unwrap()).ok();
        path
    }
}

/// The program, where every request is refused.
fn entragit(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = hermetic(env!("CARGO_BIN_EXE_entragit"), folder);
    let nowhere = "http://127.0.0.1:9";
    command.env("ENTRAGIT_GRAPH_URL", nowhere).env("ENTRAGIT_AUTHORITY_URL", nowhere);
    command.env("AZURE_CLIENT_ID", "x").env("AZURE_CLIENT_SECRET", "x").args(arguments);
    command
}

#[test]
fn settings_are_read_from_an_ordinary_file_only() {
    let repository = Repository::new();
    let settings = repository.path("entragit.yaml");
    let refused = |why: &str| {
        for arguments in [&["validate"][..], &["status"], &["diff", "HEAD", "worktree"], &["export"], &["plan"]] {
            let ran = repository.run(arguments).ends(1);
            assert!(ran.err.contains("entragit.yaml") && ran.err.contains(why), "{arguments:?}: {}", ran.err);
        }
    };
    std::fs::rename(&settings, repository.path("elsewhere.yaml")).unwrap();
    for to in ["/dev/zero", "elsewhere.yaml", "nowhere"] {
        symlink(to, &settings).unwrap();
        refused("symbolic link, which is not followed");
        std::fs::remove_file(&settings).unwrap();
    }
    repository.pipe("entragit.yaml");
    refused("copy what is meant into an ordinary file");
    std::fs::remove_file(&settings).unwrap();
    std::fs::File::create(&settings).unwrap().set_len(1 << 40).unwrap();
    refused("more than the 1048576 that are accepted");
}

#[test]
fn files_that_a_person_names_are_ordinary_and_of_a_limited_size() {
    let repository = Repository::new();
    let pipe = repository.pipe("pipe");
    let large = repository.path("large.json");
    std::fs::File::create(&large).unwrap().set_len(1 << 40).unwrap();
    let (pipe, large) = (pipe.to_str().unwrap(), large.to_str().unwrap());
    for (file, why) in [("/dev/zero", "ordinary file"), (pipe, "ordinary file"), (large, "has 1099511627776 bytes")] {
        for arguments in [&["sign", file][..], &["apply", file, "--yes"], &["apply", "--to", "HEAD", "--guards", file]]
        {
            let ran = repository.run(arguments).ends(1);
            assert!(ran.err.contains(file) && ran.err.contains(why), "{arguments:?}: {}", ran.err);
        }
    }
    let ran = repository.run(&["diff", large]).ends(1);
    assert!(ran.err.contains("reading the report") && ran.err.contains("more than the"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_and_signers_are_ordinary_files() {
    let world = World::exported().await;
    world.edit("Approves larger orders");
    world.run(&["plan", "--to", "HEAD", "--out", "plan.json"]).ends(2);
    let at = |name: &str| world.path().join(name).to_str().unwrap().to_owned();
    Ran::of(&hermetic("mkfifo", world.path()).arg("plan.json.f.sig").output().unwrap()).ok();
    std::fs::File::create(at("large")).unwrap().set_len(64 * 1024 + 1).unwrap();
    std::fs::write(at("signers"), "").unwrap();
    let apply = ["apply", "plan.json", "--yes", "--require-approvals", "1", "--allowed-signers"];
    let [signers, pipe, large] = [at("signers"), at("plan.json.f.sig"), at("large")];
    let cases: [(&[&str], &str); 4] = [
        (&[&signers], "plan.json.f.sig cannot be read: it is a pipe"),
        (&[&pipe], "reading who may approve"),
        (&[&signers, "--signatures", "/dev/zero"], "/dev/zero cannot be read: it is a pipe, a socket or a device"),
        (&[&signers, "--signatures", &large], "more than the 65536 that are accepted"),
    ];
    for (more, why) in cases {
        let ran = within_limit(world.command(&world.graph.tenant.url(), &[&apply[..], more].concat())).ends(1);
        assert!(ran.err.contains(why), "{more:?}: {}", ran.err);
    }
}

#[test]
fn circles_of_ids_are_findings_and_chains_are_followed_once() {
    let repository = Repository::new();
    let manifest = |ids: &str| {
        std::fs::write(repository.path("manifest.yaml"), format!("format: 1\nids:\n{ids}schema: 1\n")).unwrap();
    };
    manifest("  a: b\n  b: a\n  c: c\n  d: e\n");
    let ran = repository.run(&["validate"]).ends(1);
    assert_eq!(ran.out.matches("error[circular-id]: under `ids`, ").count(), 3, "{}", ran.out);
    assert!(ran.out.contains("c leads in a circle; take manifest.yaml from the last snapshot"), "{}", ran.out);
    for (name, last) in [("chain", "i20000"), ("circle", "i0")] {
        let pairs = (0..20_000).map(|at| match at {
            19_999 => format!("  i{at}: {last}\n"),
            _ => format!("  i{at}: i{}\n", at + 1),
        });
        manifest(&pairs.collect::<String>());
        repository.commit(name);
        repository.run(&["diff", "HEAD~1", "HEAD"]).ends(0);
    }
}

#[test]
fn findings_of_an_object_end_at_a_limit() {
    let repository = Repository::new();
    let keys: String = (0..200_000).map(|number| format!("k{number}: 1\n")).collect();
    std::fs::create_dir_all(repository.path("groups")).unwrap();
    std::fs::write(repository.path("groups/many.yaml"), format!("id: new:many\n{keys}")).unwrap();
    let ran = repository.run(&["validate"]).ends(1);
    let lines = ran.out.lines().filter(|line| line.starts_with("groups/many.yaml")).count();
    assert_eq!(lines, 301, "{}", ran.out);
    assert!(ran.out.contains("error[more-findings]: ") && ran.out.contains(" findings more are not listed"));
}

/// Makes a commit on top of HEAD with the objects' files as a script of git commands leaves the index.
fn commit_of(world: &World, script: &str) -> String {
    let script = format!(
        "set -e; export GIT_INDEX_FILE=.git/other-index; git read-tree HEAD; \
         link=$(printf elsewhere | git hash-object -w --stdin); text=$(printf '# x\\n' | git hash-object -w --stdin); \
         module=1111111111111111111111111111111111111111; put() {{ git update-index --add --cacheinfo \"$1,$2,$3\"; }}; \
         {script}; git commit-tree -p HEAD -m x $(git write-tree)"
    );
    let ran = Ran::of(&hermetic("sh", world.path()).args(["-c", &script]).output().unwrap());
    ran.ok().out.trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn diff_says_what_it_passes_over() {
    let world = World::exported().await;
    let first = |folder: &str| world.git(&["ls-files", folder]).lines().next().unwrap().to_owned();
    let (group, policy) = (first("groups"), first("conditional-access/policies"));
    for (script, path) in [
        (format!("put 120000 $link {group}"), group.as_str()),
        (format!("put 160000 $module {policy}"), policy.as_str()),
        ("put 120000 $link manifest.yaml".to_owned(), "manifest.yaml"),
        ("put 120000 $link entragit.yaml".to_owned(), "entragit.yaml"),
        ("git rm -rq --cached groups; put 120000 $link groups".to_owned(), "groups"),
        (
            "git rm -rq --cached conditional-access; put 160000 $module conditional-access".to_owned(),
            "conditional-access",
        ),
        ("put 120000 $link devices/3f".to_owned(), "devices/3f"),
    ] {
        let commit = commit_of(&world, &script);
        for arguments in [&["diff", "HEAD", &commit][..], &["plan", "--to", &commit]] {
            let ran = world.run(arguments).ends(1);
            let line = format!("{path}: error[path]: symbolic links and submodules are not read; replace it by ");
            assert!(ran.err.contains(&line), "{arguments:?} {script}: {}", ran.err);
        }
    }
    let commit = commit_of(&world, "put 120000 $link groups/x.yaml; put 160000 $module groups/y.yaml");
    let ran = world.run(&["diff", "HEAD", &commit]).ok();
    for path in ["groups/x.yaml", "groups/y.yaml"] {
        assert!(ran.err.contains(&format!("warning: {path} was passed over: ")), "{}", ran.err);
    }
    let ordinary = "put 100644 $text README.md; put 100755 $text .gitattributes; put 100644 $text .github/workflows/x.yml; \
                    put 120000 $link link.yaml; put 160000 $module modules/other; put 120000 $link groups/README";
    let ran = world.run(&["diff", "HEAD", &commit_of(&world, ordinary)]).ok();
    assert!(!ran.err.contains("passed over"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_executable_object_is_read_as_an_object() {
    let world = World::exported().await;
    let policies = world.git(&["ls-files", "conditional-access/policies"]);
    let policy = policies.lines().next().unwrap();
    let chmod = commit_of(&world, &format!("git update-index --chmod=+x {policy}"));
    world.run(&["diff", "HEAD", &chmod]).ok();
    let edited = commit_of(
        &world,
        &format!(
            "new=$(git show HEAD:{policy} | sed 's/^displayName: .*/displayName: Other/' | git hash-object -w --stdin); \
             put 100755 $new {policy}"
        ),
    );
    let ran = world.run(&["diff", "HEAD", &edited]).ends(2);
    assert!(ran.out.contains("1 object differs: 1 renamed"), "{}", ran.out);
}

/// Everything that a terminal obeys, or that a reader does not see.
const HOSTILE: &str = "x\u{1b}[31m\u{9b}2J\u{7f}\u{202e}\u{200b}\r\n`</code>";

#[track_caller]
fn harmless(text: &str) {
    let hostile = text.chars().find(|c| {
        *c != '\n' && (c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{feff}'))
    });
    assert_eq!(hostile, None, "{text:?}");
    assert!(text.contains('x'));
}

#[test]
fn keys_of_a_plan_file_are_escaped() {
    let unknown = vec![(HOSTILE.to_owned(), Coverage::Complete)];
    let all = Plan { unknown, ..Plan::default() };
    harmless(&plan::text(&all, &[], &Names::default(), Style::default()));
    let comment = plan_markdown::plan(&all, &[], &Names::default());
    harmless(&comment);
    assert!(comment.contains("'</code>`: complete"), "nothing ends the code: {comment}");
}

#[test]
fn texts_of_a_saved_report_are_escaped() {
    let change = json!({
        "kind": "group", "called": "group", "id": HOSTILE, "name": HOSTILE, "change": "modified", "path": HOSTILE,
        "manner": "renamed", "previousName": HOSTILE,
        "properties": [
            {"path": HOSTILE, "before": {HOSTILE: HOSTILE}, "after": [HOSTILE]}, {"path": HOSTILE, "gained": HOSTILE},
        ],
        "risks": [{"level": "high", "rule": HOSTILE, "says": HOSTILE, "path": HOSTILE, "line": 1}],
    });
    let report = json!({
        "formatVersion": 1, "before": HOSTILE, "after": HOSTILE, "audited": true, "auditGaps": [HOSTILE], "changes": [change],
        "drift": {"pending": 1, "ignored": [{"rule": HOSTILE, "reason": HOSTILE, "differences": 1, "objects": 1}]},
        "unknown": [{"what": HOSTILE, "before": "complete", "after": "failed"}], "names": {HOSTILE: HOSTILE},
    });
    let (report, names) = saved::read(report.to_string().as_bytes()).unwrap();
    harmless(&text::report(&report, &names, Style::default()));
    harmless(&html::report(&report, &names));
    harmless(&sarif::report(&report));
    // Word joiners are put in on purpose, so that nobody is notified.
    harmless(&markdown::report(&report, &names));
    let document = json::report(&report, &names);
    harmless(&document);
    let (again, _) = saved::read(document.as_bytes()).unwrap();
    assert_eq!(again.changes, report.changes, "escapes mean the same");
}

/// The short form of what the example `torture` does.
#[test]
fn planted_secrets_and_hostile_files_do_no_harm() {
    let (planted, leaks) = torture::canaries();
    assert!(planted > 3_160, "{planted}");
    assert!(leaks.is_empty(), "{} of {planted} reached a file:\n{}", leaks.len(), leaks.join("\n"));
    let (read, faults) = torture::inputs(3_000, std::time::Duration::from_secs(20));
    assert!(read > 322, "{read}");
    assert!(faults.is_empty(), "{} of {read}:\n{}", faults.len(), faults.join("\n"));
}
