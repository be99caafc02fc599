//! Runs outside of pipelines: the pods of a cluster, the units of a machine, the set-up of the applications, the action's builds.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize as _;
use serde_yaml::Value;

use super::Desk;
use super::github::{self, ACTION};
use crate::support::command_line::Ran;

const SYNC: &str = include_str!("../../../examples/kubernetes/sync.yaml");
const WATCH: &str = include_str!("../../../examples/kubernetes/watch.yaml");
const SETUP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/identities/setup.sh");

/// Returns the pod that a file of a cluster describes.
fn pod(text: &str, kind: &str) -> Value {
    let documents = serde_yaml::Deserializer::from_str(text).map(|document| Value::deserialize(document).unwrap());
    let found = documents.into_iter().find(|document| document["kind"] == kind).unwrap();
    let template =
        if kind == "CronJob" { &found["spec"]["jobTemplate"]["spec"]["template"] } else { &found["spec"]["template"] };
    template["spec"].clone()
}

/// Runs a container's command as the cluster does, in a folder of its own.
fn run(desk: &Desk, pod: &Value, home: &Path, token: &str) -> Ran {
    let container = &pod["containers"][0];
    std::fs::create_dir_all(home).unwrap();
    std::fs::write(home.join("token"), token).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_entragit")).parent().unwrap();
    let mut shell = desk.shell(home);
    for variable in container["env"].as_sequence().unwrap() {
        shell.env(variable["name"].as_str().unwrap(), variable["value"].as_str().unwrap());
    }
    shell
        .env("PATH", format!("{}:{}", program.display(), desk.path()))
        .env("HOME", home)
        .env("TMPDIR", home)
        .env("REMOTE", desk.setting.remote())
        .env("AZURE_TENANT_ID", desk.setting.world.graph.tenant.tenant_id())
        .env("AZURE_CLIENT_ID", &desk.reader)
        .env("AZURE_FEDERATED_TOKEN_FILE", home.join("token"));
    assert_eq!(container["command"], serde_yaml::from_str::<Value>("[/bin/sh, -ec]").unwrap());
    let script = container["args"][0].as_str().unwrap();
    // The same options, in the shell that the desk prepared.
    let ran = Ran::of(&shell.args(["--posix", "-ec", script]).output().unwrap());
    assert!(!ran.err.contains(token), "{}", ran.err);
    ran
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_push_snapshots_and_the_changes_of_each_author() {
    let desk = Desk::new().await;
    let token = desk.token("ref:refs/heads/main");
    desk.setting.group("by-night").await;
    let ran = run(&desk, &pod(SYNC, "CronJob"), &desk.folder.path().join("sync"), &token).ok();
    assert!(ran.err.contains("1 added"), "{}", ran.err);
    // The pause between two rounds is where the test ends the pod; a second one goes on from there.
    desk.stand_in("sleep", "[ \"$1\" = 300 ] && exit 9; exec /bin/sleep \"$@\"");
    for (round, home) in [("first", "one"), ("second", "one"), ("third", "two")] {
        desk.setting.group(round).await;
        let before = desk.setting.at_remote("snapshots");
        // A container that is started again finds what the one before left, another pod does not.
        run(&desk, &pod(WATCH, "Deployment"), &desk.folder.path().join(home), &token).ends(9);
        assert_ne!(desk.setting.at_remote("snapshots"), before, "{round}");
    }
    let files = desk.setting.git(&desk.setting.remote(), &["log", "-1", "--format=", "--name-only", "snapshots"]);
    assert!(files.contains("groups/third."), "{files}");
    assert_eq!(desk.setting.at_remote("refs/entragit/state").len(), 40);
}

#[test]
fn pods_run_without_privileges_on_a_root_that_cannot_be_written() {
    for pod in [pod(SYNC, "CronJob"), pod(WATCH, "Deployment")] {
        assert_eq!(pod["automountServiceAccountToken"], false);
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
        let container = &pod["containers"][0];
        let security = &container["securityContext"];
        assert_eq!(security["readOnlyRootFilesystem"], true);
        assert_eq!(security["allowPrivilegeEscalation"], false);
        assert_eq!(security["capabilities"]["drop"][0], "ALL");
        let token = &pod["volumes"][1]["projected"]["sources"][0]["serviceAccountToken"];
        assert_eq!(token["audience"], "api://AzureADTokenExchange");
        let mount = &container["volumeMounts"][1];
        let file = format!("{}/{}", mount["mountPath"].as_str().unwrap(), token["path"].as_str().unwrap());
        assert_eq!(container["env"][0]["name"], "AZURE_FEDERATED_TOKEN_FILE");
        assert_eq!(container["env"][0]["value"], file);
        assert!(!container["image"].as_str().unwrap().ends_with(":latest"));
    }
}

/// Returns the settings of a unit's section, by name.
fn unit(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter(|line| !line.starts_with(['#', '['])).filter_map(|line| line.split_once('=')).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn units_are_hardened_and_what_they_start_runs() {
    let desk = Desk::new().await;
    desk.setting.group("by-night").await;
    let clone = desk.setting.clone("machine");
    for (text, more) in [
        (include_str!("../../../examples/systemd/entragit-sync.service"), ""),
        // A service has no end; one round of it has.
        (include_str!("../../../examples/systemd/entragit-watch.service"), " --rounds 1 --settle 0s"),
        (include_str!("../../../examples/systemd/entragit-push.service"), ""),
    ] {
        let unit = unit(text);
        for (name, value) in [
            ("User", "entragit"),
            ("ProtectSystem", "strict"),
            ("ProtectHome", "true"),
            ("PrivateTmp", "true"),
            ("NoNewPrivileges", "true"),
            ("CapabilityBoundingSet", ""),
            ("MemoryDenyWriteExecute", "true"),
            ("UMask", "0077"),
        ] {
            assert_eq!(unit[name], value, "{name}");
        }
        let start = unit["ExecStart"].replace("/usr/local/bin/entragit", env!("CARGO_BIN_EXE_entragit"));
        let mut parts = start.split(' ').chain(more.split_whitespace());
        let mut command = desk.shell(&clone);
        // Nothing expands the arguments of a unit.
        let script = "exec \"$@\"";
        command
            .env("AZURE_TENANT_ID", desk.setting.world.graph.tenant.tenant_id())
            .env("AZURE_CLIENT_ID", &desk.reader)
            .env("ENTRAGIT_FEDERATED_TOKEN", desk.token("ref:refs/heads/main"))
            .args(["-c", script, "start", parts.next().unwrap()])
            .args(parts);
        Ran::of(&command.output().unwrap()).ok();
    }
    assert_eq!(desk.setting.at_remote("snapshots"), desk.setting.git(&clone, &["rev-parse", "snapshots"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn setup_makes_one_application_that_reads_and_one_that_writes() {
    let desk = Desk::new().await;
    desk.stand_in(
        "az",
        r#"case "$*" in
  *"app create"*reader*) echo reader-id ;;
  *"app create"*writer*) echo writer-id ;;
  *"appRoles["*) sed "s/.*value=='\([^']*\)'.*/id-of-\1/" <<< "$*" ;;
  *"sp show"*) exit 3 ;;
  *"account show"*) echo tenant-id ;;
esac"#,
    );
    let run = |arguments: &[&str]| {
        let mut shell = desk.shell(desk.folder.path());
        let program = Path::new(env!("CARGO_BIN_EXE_entragit")).parent().unwrap();
        shell.env("PATH", format!("{}:{}", program.display(), desk.path()));
        Ran::of(&shell.arg(SETUP).args(arguments).output().unwrap()).ok().out
    };
    let printed = "AZURE_TENANT_ID=tenant-id\nENTRAGIT_READER_ID=reader-id\nENTRAGIT_WRITER_ID=writer-id\n";
    assert_eq!(run(&["github", "contoso/tenant"]), printed);
    let text = desk.calls().join("\n");
    for (client, subject) in [
        ("reader-id", "repo:contoso/tenant:ref:refs/heads/main"),
        ("reader-id", "repo:contoso/tenant:pull_request"),
        ("writer-id", "repo:contoso/tenant:environment:production"),
    ] {
        let made = text.split("az ad app federated-credential create --id ").filter(|call| call.starts_with(client));
        assert!(
            made.into_iter().any(|call| call.split("\naz ").next().unwrap().contains(&format!("\"{subject}\""))),
            "{subject}: {text}"
        );
    }
    assert_eq!(text.matches("federated-credential create --id writer-id").count(), 1);
    let granted = |client: &str, permission: &str| {
        let call = format!("az ad app permission add --id {client} ");
        text.lines().any(|line| line.starts_with(&call) && line.ends_with(&format!(" id-of-{permission}=Role")))
    };
    assert!(granted("reader-id", "Group.Read.All") && !granted("reader-id", "Group.ReadWrite.All"), "{text}");
    assert!(granted("writer-id", "Group.ReadWrite.All"));
    assert!(!text.contains("credential reset"), "no secret is made");

    assert_eq!(run(&["gitlab", "contoso/tenant", "https://gitlab.example.com"]), printed);

    let text = desk.calls().join("\n");
    assert!(text.contains("claims['sub'] matches 'project_path:contoso/tenant:ref_type:branch:ref:*'"), "{text}");
    assert!(text.contains("applications(appId='reader-id')/federatedIdentityCredentials"), "{text}");
    assert_eq!(run(&["azure", "https://i1", "s1", "https://i2", "s2"]), printed);
    let text = run(&["kubernetes", "https://cluster.example.com/"]);
    assert_eq!(text, "AZURE_TENANT_ID=tenant-id\nENTRAGIT_READER_ID=reader-id\n");

    // Somebody else's application of that name gets no permission.
    desk.stand_in("az", "case \"$*\" in *'app list'*writer*) echo strangers-id ;; *'app create'*) echo made ;; esac");
    let mut shell = desk.shell(desk.folder.path());
    let program = Path::new(env!("CARGO_BIN_EXE_entragit")).parent().unwrap();
    shell.env("PATH", format!("{}:{}", program.display(), desk.path())).args([SETUP, "github", "contoso/tenant"]);
    let refused = Ran::of(&shell.output().unwrap()).ends(1);
    assert!(
        refused.err.contains("an application called Entragit writer is there already: strangers-id"),
        "{}",
        refused.err
    );
    // A call that fails ends the script.
    desk.stand_in("az", "case \"$*\" in *'app create'*) exit 1 ;; esac");
    let mut shell = desk.shell(desk.folder.path());
    shell.env("PATH", format!("{}:{}", program.display(), desk.path())).args([SETUP, "github", "contoso/tenant"]);
    let failed = Ran::of(&shell.output().unwrap());
    assert!(failed.code != 0 && failed.out.is_empty(), "{}{}", failed.out, failed.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn action_builds_its_own_sources_or_a_version_and_runs_one_command() {
    let desk = Desk::new().await;
    desk.stand_in("rustup", "");
    desk.stand_in("cargo", "while [ \"$1\" != --root ]; do shift; done; cp \"$ENTRAGIT\" \"$2/bin/entragit\"");
    let workflow = |with: &str| {
        let action = "OWNER/entragit/.github/actions/entragit@0000000000000000000000000000000000000000";
        format!(
            "jobs: {{ job: {{ steps: [{{ id: it, uses: \"{action}\", with: {with} }}], outputs: {{ code: \"${{{{ steps.it.outputs.exit-code }}}}\" }} }} }}"
        )
    };
    let run = |name: &str, with: &str| github::run(&desk, &workflow(with), "job", &desk.clone(name, "main"), &[]);
    let ran = run("version", "{version: v0.1.0, repository: 'https://git.example.com/entragit'}");
    assert!(ran.passed && ran.log.contains("entragit 0."), "{}", ran.log);
    let calls = desk.calls().join("\n");
    assert!(calls.contains("--git https://git.example.com/entragit --tag v0.1.0 entragit"), "{calls}");
    let ran = run("no-repository", "{version: v0.1.0}");
    assert!(!ran.passed && ran.log.contains("version needs a repository"), "{}", ran.log);
    desk.calls();

    // Arguments are not expanded, and exit codes fail the step unless they are accepted.
    let ran = run("validate", "{arguments: \"validate\\n--json\\n\", summary: 'true'}");
    assert!(ran.passed && ran.summary.contains("formatVersion") && ran.outputs["code"] == "0", "{}", ran.log);
    let ran = run("literal", "{arguments: \"show\\n$(touch expanded)\\n\", accept: '0 1'}");
    assert!(ran.passed && ran.outputs["code"] == "1" && !desk.setting.folder.path().join("literal/expanded").exists());
    let ran = run("red", "{arguments: \"show\\nnobody\"}");
    assert!(!ran.passed, "{}", ran.log);
    let ran = run("ids", "{client-id: \"a\\nPATH=/tmp\"}");
    assert!(!ran.passed && ran.log.contains("are ids"), "{}", ran.log);
    assert!(ACTION.contains("--path \"$GITHUB_ACTION_PATH/../../..\""));
}
