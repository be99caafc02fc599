//! The pipelines of other hosts, and services: their commands, in order.

use std::path::{Path, PathBuf};

use serde_yaml::Value;

use super::{Desk, Setting};
use crate::support::command_line::{Ran, hermetic};

/// Returns the commands of a pipeline, in order.
fn commands(text: &str) -> Vec<String> {
    let value: Value = serde_yaml::from_str(text).unwrap();
    let mut found = Vec::new();
    collect(&value, &mut found);
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Mapping(map) => {
            for (name, value) in map {
                match (name.as_str(), value) {
                    (Some("run" | "inlineScript"), Value::String(text)) => found.push(text.clone()),
                    (Some("script"), Value::Sequence(all)) => {
                        found.extend(all.iter().filter_map(|line| line.as_str()).map(str::to_owned));
                    }
                    _ => collect(value, found),
                }
            }
        }
        Value::Sequence(all) => all.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nightly_pipelines_run_as_printed_two_nights_each() {
    for (name, text) in [
        ("gitlab", include_str!("../../../examples/gitlab-ci/nightly.yml")),
        ("azure", include_str!("../../../examples/azure-pipelines/nightly.yml")),
    ] {
        let setting = Setting::new().await;
        Ran::of(&setting.sync(setting.world.path()).output().unwrap()).ok();
        let program = Path::new(env!("CARGO_BIN_EXE_entragit")).parent().unwrap();
        let commands = commands(text);
        assert!(commands.iter().any(|line| line.contains("entragit sync")), "{name}: {commands:?}");
        for night in 0..2 {
            setting.group(&format!("{name}-{night}")).await;
            let clone = setting.clone(&format!("{name}-{night}"));
            let like = setting.world.command(&setting.world.graph.tenant.url(), &[]);
            let mut shell = hermetic("sh", &clone);
            shell
                .envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))))
                .env("PATH", format!("{}:{}", program.display(), std::env::var("PATH").unwrap()))
                .env("AZURESUBSCRIPTION_TENANT_ID", setting.world.graph.tenant.tenant_id());
            // The remote of the test has no host of its own.
            let lines = commands.iter().filter(|line| !line.contains("set-url")).map(String::as_str);
            let ran = Ran::of(&shell.args(["-ec", &lines.collect::<Vec<_>>().join("\n")]).output().unwrap());
            assert_eq!(ran.code, 0, "{name}: {}{}", ran.out, ran.err);
            let there = setting.at_remote("refs/heads/snapshots");
            assert_eq!(there, setting.git(&clone, &["rev-parse", "snapshots"]), "{name}");
            assert!(ran.err.contains("1 added"), "{name}: {}", ran.err);
        }
    }
}

/// Answers a list with a file, and everything else with nothing.
const CURL: &str = r#"case "$*" in *--request*) ;; *) cat "$CALLS.comments" ;; esac"#;

/// One job of another host, in a clone of its own.
struct Job {
    clone: PathBuf,
    client: String,
    token: String,
    env: Vec<(&'static str, String)>,
}

impl Job {
    /// Signs in with the token of a job with this subject.
    fn new(desk: &Desk, name: &str, branch: &str, client: &str, subject: &str) -> Job {
        Job {
            clone: desk.clone(name, branch),
            client: client.to_owned(),
            token: desk.token(subject),
            env: vec![("AZURESUBSCRIPTION_TENANT_ID", desk.setting.world.graph.tenant.tenant_id().to_owned())],
        }
    }

    fn with(mut self, variables: &[(&'static str, &str)]) -> Job {
        self.env.extend(variables.iter().map(|(name, value)| (*name, (*value).to_owned())));
        self
    }

    fn run(&self, desk: &Desk, flags: &[&str], script: &str) -> Ran {
        assert!(!script.contains("$(System.") && !script.contains("$(Build."), "a macro in a script: {script}");
        let mut shell = desk.shell(&self.clone);
        let program = Path::new(env!("CARGO_BIN_EXE_entragit")).parent().unwrap();
        shell
            .env("PATH", format!("{}:{}", program.display(), desk.path()))
            .env("AZURE_CLIENT_ID", &self.client)
            .env("ENTRAGIT_FEDERATED_TOKEN", &self.token)
            .envs(self.env.iter().map(|(name, value)| (*name, value)));
        let ran = Ran::of(&shell.args(flags).args(["-c", script]).output().unwrap());
        assert!(!ran.out.contains(&self.token) && !ran.err.contains(&self.token), "{}", ran.err);
        ran
    }

    /// Runs the steps of an Azure job, each in a shell that goes on after errors, until one fails.
    fn azure(&self, desk: &Desk, job: &Value) -> Ran {
        let mut all = Ran { code: 0, out: String::new(), err: String::new() };
        let deploy = &job["strategy"]["runOnce"]["deploy"]["steps"];
        for step in job["steps"].as_sequence().or(deploy.as_sequence()).unwrap() {
            let Some(script) = step["bash"].as_str().or(step["inputs"]["inlineScript"].as_str()) else { continue };
            let ran = self.run(desk, &["--noprofile", "--norc"], script);
            all = Ran { code: ran.code, out: all.out + &ran.out, err: all.err + &ran.err };
            if ran.code != 0 {
                break;
            }
        }
        all
    }

    /// Runs the lines of a GitLab job in one shell.
    fn gitlab(&self, desk: &Desk, job: &Value) -> Ran {
        let lines = job["script"].as_sequence().unwrap().iter().map(|line| line.as_str().unwrap());
        // The remote of the test has no host of its own.
        let lines = lines.filter(|line| !line.contains("set-url")).collect::<Vec<_>>();
        self.run(desk, &["-eo", "pipefail"], &lines.join("\n"))
    }
}

fn parsed(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

/// Returns what a step set for later ones.
fn variable(ran: &Ran, name: &str) -> String {
    let start = format!("##vso[task.setvariable variable={name};isOutput=true]");
    ran.out.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_pull_request_has_one_thread_with_its_plan() {
    let desk = Desk::new().await;
    desk.stand_in("curl", CURL);
    desk.propose("proposal", "reviewed").await;
    let pipeline = parsed(include_str!("../../../examples/azure-pipelines/pull-request.yml"));
    let jobs = &pipeline["jobs"];
    Job::new(&desk, "azure-validate", "proposal", "", "none").azure(&desk, &jobs[0]).ok();
    let threads = "https://dev.azure.com/contoso/p1/_apis/git/repositories/r1/pullRequests/7/threads";
    for (known, call) in [
        ("{\"value\": []}", format!("--request POST --data @body.json --output reply.json {threads}?api-version=7.1")),
        (
            "{\"value\": [{\"id\": 5, \"comments\": [{}]}, {\"id\": 6, \"comments\": [{\"content\": \"<!-- entragit-plan -->\"}]}]}",
            format!("--request PATCH --data @body.json --output reply.json {threads}/6/comments/1?api-version=7.1"),
        ),
    ] {
        std::fs::write(desk.calls_file().with_extension("comments"), known).unwrap();
        let job = Job::new(&desk, &format!("azure-{}", known.len()), "proposal", &desk.reader, "pull_request").with(&[
            ("SYSTEM_COLLECTIONURI", "https://dev.azure.com/contoso/"),
            ("SYSTEM_TEAMPROJECTID", "p1"),
            ("BUILD_REPOSITORY_ID", "r1"),
            ("SYSTEM_PULLREQUEST_PULLREQUESTID", "7"),
            ("SYSTEM_PULLREQUEST_TARGETBRANCHNAME", "main"),
        ]);
        // Only for the step that comments: elsewhere it would be what signs in.
        let comment = job.azure(&desk, &jobs[1]).ok();
        let calls = desk.calls();
        assert!(calls.len() == 2 && calls[1].ends_with(&call), "{calls:?}{}", comment.err);
        let body = std::fs::read_to_string(job.clone.join("body.json")).unwrap();
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        let text = body["content"].as_str().or(body["comments"][0]["content"].as_str()).unwrap();
        assert!(text.starts_with("<!-- entragit-plan -->\n") && text.contains("Reviewed by two"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_stage_applies_the_plan_and_pushes_the_receipt() {
    let desk = Desk::new().await;
    let pipeline = parsed(include_str!("../../../examples/azure-pipelines/apply.yml"));
    let [plan, apply] = [0, 1].map(|stage| &pipeline["stages"][stage]["jobs"][0]);
    let group = desk.propose("main", "merged").await;
    let planned = Job::new(&desk, "azure-plan", "main", &desk.reader, "ref:refs/heads/main");
    let ran = planned.azure(&desk, plan).ok();
    assert!(variable(&ran, "changes") == "true" && ran.out.contains("##vso[task.uploadsummary]"), "{}", ran.out);
    let workspace = desk.folder.path().join("workspace");
    std::fs::create_dir_all(workspace.join("plan")).unwrap();
    std::fs::copy(planned.clone.join("plan.json"), workspace.join("plan/plan.json")).unwrap();
    let applying = |client: &str, subject: &str, digest: &str| {
        Job::new(&desk, &format!("azure-{}-{}", subject.len(), digest.len()), "main", client, subject).with(&[
            ("PIPELINE_WORKSPACE", workspace.to_str().unwrap()),
            ("DIGEST", digest),
            ("BUILD_BUILDID", "4711"),
        ])
    };
    let digest = variable(&ran, "digest");
    applying(&desk.writer, "environment:production", "00").azure(&desk, apply).ends(1);
    assert!(desk.description(&group).await.is_null());
    applying(&desk.writer, "environment:production", &digest).azure(&desk, apply).ok();
    assert_eq!(desk.description(&group).await, "Reviewed by two");
    assert!(desk.receipt("snapshots").contains("Entragit-Plan"));
    let ran = Job::new(&desk, "azure-again", "main", &desk.reader, "ref:refs/heads/main").azure(&desk, plan).ok();
    assert_eq!(variable(&ran, "changes"), "false", "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn gitlab_merge_request_has_one_note_with_its_plan() {
    let desk = Desk::new().await;
    desk.stand_in("curl", CURL);
    desk.propose("proposal", "reviewed").await;
    let pipeline = parsed(include_str!("../../../examples/gitlab-ci/merge-request.yml"));
    Job::new(&desk, "gitlab-validate", "proposal", "", "none").gitlab(&desk, &pipeline["validate"]).ok();
    let base = desk.setting.at_remote("main");
    let notes = "https://gitlab.example.com/api/v4/projects/1/merge_requests/7/notes";
    for (known, call) in [
        ("[]", format!("--request POST --form body=<comment.md --output reply.json {notes}")),
        (
            "[{\"id\": 5, \"body\": \"Well done\"}, {\"id\": 6, \"body\": \"<!-- entragit-plan -->\"}]",
            format!("--request PUT --form body=<comment.md --output reply.json {notes}/6"),
        ),
    ] {
        std::fs::write(desk.calls_file().with_extension("comments"), known).unwrap();
        let job =
            Job::new(&desk, &format!("gitlab-{}", known.len()), "proposal", &desk.reader, "pull_request").with(&[
                ("CI_API_V4_URL", "https://gitlab.example.com/api/v4"),
                ("CI_PROJECT_ID", "1"),
                ("CI_MERGE_REQUEST_IID", "7"),
                ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &base),
                ("REVIEW_TOKEN", "the-review-token"),
            ]);
        let ran = job.gitlab(&desk, &pipeline["review"]).ok();
        let calls = desk.calls();
        assert!(calls.len() == 2 && calls[1].ends_with(&call), "{calls:?}");
        let said = format!("{calls:?}{}{}", ran.out, ran.err);
        assert!(!said.contains("the-review-token"), "{said}");
        let text = std::fs::read_to_string(job.clone.join("comment.md")).unwrap();
        assert!(text.starts_with("<!-- entragit-plan -->\n") && text.contains("Reviewed by two"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gitlab_job_applies_the_plan_and_pushes_the_receipt() {
    let desk = Desk::new().await;
    let pipeline = parsed(include_str!("../../../examples/gitlab-ci/apply.yml"));
    let group = desk.propose("main", "merged").await;
    let planned = Job::new(&desk, "gitlab-plan", "main", &desk.reader, "ref:refs/heads/main");
    let ran = planned.gitlab(&desk, &pipeline["plan"]).ok();
    assert!(ran.out.contains("Reviewed by two"), "{}", ran.out);
    let applied = Job::new(&desk, "gitlab-apply", "main", &desk.writer, "environment:production");
    std::fs::copy(planned.clone.join("plan.json"), applied.clone.join("plan.json")).unwrap();
    applied.gitlab(&desk, &pipeline["apply"]).ok();
    assert_eq!(desk.description(&group).await, "Reviewed by two");
    assert!(desk.receipt("snapshots").contains("Entragit-Plan"));
    // A plan without a step ends there.
    Job::new(&desk, "gitlab-none", "main", &desk.reader, "ref:refs/heads/main").gitlab(&desk, &pipeline["plan"]).ok();
    std::fs::copy(desk.setting.folder.path().join("gitlab-none/plan.json"), applied.clone.join("plan.json")).unwrap();
    let ran = applied.gitlab(&desk, &pipeline["apply"]).ok();
    assert!(ran.out.contains("Nothing to do."), "{}", ran.out);
}

#[test]
fn gitlab_files_make_one_pipeline() {
    let root = parsed(include_str!("../../../examples/gitlab-ci/.gitlab-ci.yml"));
    let included: Vec<&str> =
        root["include"].as_sequence().unwrap().iter().filter_map(|one| one["local"].as_str()).collect();
    assert_eq!(included, ["nightly.yml", "merge-request.yml", "apply.yml"]);
    let files = [
        include_str!("../../../examples/gitlab-ci/nightly.yml"),
        include_str!("../../../examples/gitlab-ci/merge-request.yml"),
        include_str!("../../../examples/gitlab-ci/apply.yml"),
    ];
    let files = files.map(parsed);
    let stages: Vec<&str> =
        files.iter().filter_map(|file| file["stages"].as_sequence()).flatten().filter_map(|it| it.as_str()).collect();
    let mut jobs = std::collections::BTreeSet::new();
    for (name, job) in
        files.iter().flat_map(|file| file.as_mapping().unwrap()).filter(|(name, _)| name.as_str() != Some("stages"))
    {
        assert!(jobs.insert(name.as_str()), "GitLab would merge the two jobs called {name:?}");
        assert!(stages.contains(&job["stage"].as_str().unwrap_or("test")), "{name:?}");
    }
}
