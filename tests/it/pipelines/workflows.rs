//! The workflows of GitHub Actions, job by job. Each job signs in with the token of its own run, and with nothing else.

use super::Desk;
use super::github::{self, Job};
use crate::support::command_line::Ran;

const PULL_REQUEST: &str = include_str!("../../../examples/github-actions/pull-request.yml");
const APPLY: &str = include_str!("../../../examples/github-actions/apply.yml");
const DECIDE: &str = include_str!("../../../examples/github-actions/decide.yml");
const DRIFT: &str = include_str!("../../../examples/github-actions/drift.yml");
const DRILL: &str = include_str!("../../../examples/github-actions/drill.yml");
const NIGHTLY: &str = include_str!("../../../examples/github-actions/nightly.yml");

/// Answers of `gh`: the comments of a pull request, from a file of them.
const GH: &str = r#"case "$*" in
  *"--paginate"*) cat "$CALLS.comments" 2>/dev/null ;;
  *"--method POST"*) cp comment.md "$CALLS.body"; echo 99 > "$CALLS.comments" ;;
  *"--method PATCH"*) cp comment.md "$CALLS.body" ;;
esac"#;

impl Desk {
    fn tenant(&self) -> &str {
        self.setting.world.graph.tenant.tenant_id()
    }

    /// Runs a job in a fresh clone, as of an event with this subject.
    fn job(&self, workflow: &str, job: &str, branch: &str, subject: &str, more: &[(&str, &str)]) -> Job {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let clone = self.clone(&format!("{job}-{number}"), branch);
        let known = [
            &[
                ("subject", subject),
                ("vars.AZURE_TENANT_ID", self.tenant()),
                ("vars.ENTRAGIT_READER_ID", &self.reader),
                ("secrets.ENTRAGIT_NOTIFY_URL", ""),
                ("github.token", "the-job-token"),
                ("github.repository", "contoso/tenant"),
                ("github.event.pull_request.head.repo.full_name", "contoso/tenant"),
                ("github.event.pull_request.number", "7"),
            ],
            more,
        ]
        .concat();
        let ran = github::run(self, workflow, job, &clone, &known);
        // Neither the tokens of jobs nor those of the tenant are printed.
        for secret in ["the-job-token", ".c2lnbmVk", "eyJ"] {
            assert!(!ran.log.contains(secret) && !ran.summary.contains(secret), "{secret}: {}", ran.log);
        }
        ran
    }

    fn plan_to_apply(&self) -> Job {
        self.job(APPLY, "plan", "main", "ref:refs/heads/main", &[])
    }

    fn apply(&self, plan: &Job, subject: &str) -> Job {
        let more = [
            ("needs.plan.outputs.changes", plan.outputs["changes"].as_str()),
            ("needs.plan.outputs.digest", &plan.outputs["digest"]),
            ("vars.ENTRAGIT_WRITER_ID", &self.writer),
        ];
        self.job(APPLY, "apply", "main", subject, &more)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nightly_job_signs_in_with_its_token_and_pushes() {
    let desk = Desk::new().await;
    desk.setting.group("by-night").await;
    let before = desk.setting.at_remote("snapshots");
    let ran = desk.job(NIGHTLY, "snapshot", "main", "ref:refs/heads/main", &[]);
    assert!(ran.passed && ran.log.contains("1 added"), "{}", ran.log);
    assert_ne!(desk.setting.at_remote("snapshots"), before);
    // The job of a pull request is not trusted by the application that writes, nor another branch's by any.
    let ran = desk.job(NIGHTLY, "snapshot", "main", "ref:refs/heads/other", &[]);
    assert!(!ran.passed && ran.log.contains("AADSTS700213"), "{}", ran.log);
}

#[tokio::test(flavor = "multi_thread")]
async fn pull_request_has_one_comment_with_its_plan() {
    let desk = Desk::new().await;
    desk.stand_in("gh", GH);
    let group = desk.propose("proposal", "reviewed").await;
    let ran = desk.job(PULL_REQUEST, "validate", "proposal", "none", &[]);
    assert!(ran.passed, "{}", ran.log);
    assert_eq!(desk.calls(), [""; 0], "validation asks nobody");

    for (round, method, place) in [(1, "POST", "issues/7/comments"), (2, "PATCH", "issues/comments/99")] {
        let ran = desk.job(PULL_REQUEST, "plan", "proposal", "pull_request", &[]);
        assert!(ran.passed, "round {round}: {}", ran.log);
        let calls = desk.calls();
        assert_eq!(calls.len(), 2, "{calls:?}");
        assert!(calls[0].starts_with("gh api --paginate repos/contoso/tenant/issues/7/comments --jq"), "{calls:?}");
        assert_eq!(
            calls[1],
            format!("gh api --silent --method {method} repos/contoso/tenant/{place} --field body=@comment.md")
        );
        let comment = std::fs::read_to_string(desk.calls_file().with_extension("body")).unwrap();
        assert!(comment.starts_with("<!-- entragit-plan -->\n"), "{comment}");
        assert!(comment.contains("Reviewed by two") && comment.contains("1 step"), "{comment}");
        assert!(ran.summary.contains("Reviewed by two"));
    }
    assert!(desk.description(&group).await.is_null(), "a plan writes nothing");

    // The application that reads is not signed in to from elsewhere; the comment says that there is no plan.
    let ran = desk.job(PULL_REQUEST, "plan", "proposal", "environment:staging", &[]);
    assert!(!ran.passed && ran.log.contains("AADSTS700213"), "{}", ran.log);
    let comment = std::fs::read_to_string(desk.calls_file().with_extension("body")).unwrap();
    assert!(comment.contains("could not be made (exit code 1)"), "{comment}");
}

#[tokio::test(flavor = "multi_thread")]
async fn merged_edit_is_applied_behind_the_environment_and_its_receipt_pushed() {
    let desk = Desk::new().await;
    let ran = desk.plan_to_apply();
    assert!(ran.passed && ran.outputs["changes"] == "false", "{}", ran.log);

    let group = desk.propose("main", "merged").await;
    let plan = desk.plan_to_apply();
    assert!(plan.passed && plan.outputs["changes"] == "true", "{}", plan.log);
    assert!(plan.summary.contains("Reviewed by two"), "{}", plan.summary);
    // Without the environment nobody can sign in as the application that writes.
    let ran = desk.apply(&plan, "ref:refs/heads/main");
    assert!(!ran.passed && ran.log.contains("AADSTS700213"), "{}", ran.log);
    assert!(desk.description(&group).await.is_null());
    // A plan that was exchanged on the way is not carried out.
    let file = desk.folder.path().join("artifacts/plan/plan.json");
    let bound = std::fs::read(&file).unwrap();
    std::fs::write(&file, [&bound[..], b"\n"].concat()).unwrap();
    let ran = desk.apply(&plan, "environment:production");
    assert!(!ran.passed && ran.log.contains("sha256sum"), "{}", ran.log);
    assert!(desk.description(&group).await.is_null());

    std::fs::write(&file, bound).unwrap();
    let ran = desk.apply(&plan, "environment:production");
    assert!(ran.passed && ran.log.contains("verified"), "{}", ran.log);
    assert_eq!(desk.description(&group).await, "Reviewed by two");
    let log = desk.setting.git(&desk.setting.remote(), &["log", "-3", "--format=%B", "snapshots"]);
    assert!(log.contains("Entragit-Plan"), "{log}");
    let ran = desk.plan_to_apply();
    assert!(ran.passed && ran.outputs["changes"] == "false", "{}", ran.log);
}

#[tokio::test(flavor = "multi_thread")]
async fn receipt_that_cannot_join_the_branch_is_kept_on_one_of_its_own() {
    let desk = Desk::new().await;
    let group = desk.propose("main", "raced").await;
    let plan = desk.plan_to_apply();
    assert!(plan.passed, "{}", plan.log);
    // Somebody's export reaches the remote between the apply and its push: here, while the apply signs in.
    desk.stand_in(
        "sha256sum",
        &format!("/usr/bin/env PATH=/usr/bin:/bin sha256sum \"$@\" && {}", desk.other_export().await),
    );
    let ran = desk.apply(&plan, "environment:production");
    assert!(!ran.passed, "{}", ran.log);
    assert_eq!(desk.description(&group).await, "Reviewed by two", "{}", ran.log);
    let log = desk.setting.git(&desk.setting.remote(), &["log", "-1", "--format=%B", "receipts/4711"]);
    assert!(log.contains("Entragit-Plan"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn commit_that_is_merged_before_the_approval_stays_on_main() {
    let desk = Desk::new().await;
    let group = desk.propose("main", "first").await;
    let plan = desk.plan_to_apply();
    let clone = desk.setting.clone("merged-later");
    let settings = std::fs::read_to_string(clone.join("entragit.yaml")).unwrap();
    std::fs::write(clone.join("entragit.yaml"), format!("{settings}# reviewed\n")).unwrap();
    desk.setting.git(&clone, &["commit", "-qam", "Review the settings"]);
    desk.setting.git(&clone, &["push", "-q", "origin", "main"]);
    let ran = desk.apply(&plan, "environment:production");
    assert!(ran.passed, "{}", ran.log);
    assert_eq!(desk.description(&group).await, "Reviewed by two");
    assert!(desk.receipt("snapshots").contains("Entragit-Plan"));
    let main = desk.setting.git(&desk.setting.remote(), &["show", "main:entragit.yaml"]);
    assert!(main.ends_with("# reviewed"), "{main}");
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_is_the_summary_of_its_job() {
    let desk = Desk::new().await;
    let ran = desk.job(DRIFT, "drift", "main", "ref:refs/heads/main", &[]);
    assert!(ran.passed, "{}", ran.log);
    desk.setting.group("by-hand").await;
    let ran = desk.job(DRIFT, "drift", "main", "ref:refs/heads/main", &[]);
    assert!(!ran.passed && ran.summary.contains("by-hand"), "{}{}", ran.log, ran.summary);
}

/// Answers of `gh`: one pull request, whose text is in a file.
const GH_PULL_REQUEST: &str = r#"case "$1 $2" in
  "pr list") cat "$CALLS.open" 2>/dev/null || echo '[]' ;;
  "pr close") rm "$CALLS.open" ;;
  *) cat > "$CALLS.body"; echo https://github.com/contoso/tenant/pull/8 ;;
esac"#;

#[tokio::test(flavor = "multi_thread")]
async fn tick_of_the_pull_request_is_taken_back_behind_the_environment() {
    let desk = Desk::new().await;
    desk.stand_in("gh", GH_PULL_REQUEST);
    let group = desk.setting.group("team").await;
    Ran::of(&desk.setting.sync(desk.setting.world.path()).output().unwrap()).ok();
    let author = desk.setting.clone("author-of-settings");
    let settings = std::fs::read_to_string(author.join("entragit.yaml")).unwrap();
    std::fs::write(author.join("entragit.yaml"), settings.replace("\nmain: follow\n", "\nmain: hold\n")).unwrap();
    desk.setting.git(&author, &["commit", "-qam", "People alone move main"]);
    desk.setting.git(&author, &["push", "-q", "origin", "main"]);
    let changed = serde_json::json!({"description": "by hand"});
    assert_eq!(desk.setting.world.graph.patch(&format!("/v1.0/groups/{group}"), changed).await.0, 204);
    let ran = desk.job(NIGHTLY, "snapshot", "main", "ref:refs/heads/main", &[]);
    assert!(ran.passed, "{}", ran.log);

    let propose = || desk.job(DECIDE, "propose", "main", "none", &[]);
    let ran = propose();
    assert!(ran.passed && ran.outputs["rejected"] == "0", "{}", ran.log);
    let body = std::fs::read_to_string(desk.calls_file().with_extension("body")).unwrap();
    let (before, after) = body.split_once("- [ ] take back").unwrap();
    let open = serde_json::json!([{
        "number": 8, "body": format!("{before}- [x] take back{after}"), "url": "", "isCrossRepository": false,
    }]);
    std::fs::write(desk.calls_file().with_extension("open"), open.to_string()).unwrap();
    let ran = propose();
    assert!(ran.passed && ran.outputs["rejected"] == "1", "{}", ran.log);

    let reject = |subject: &str| {
        let more = [("needs.propose.outputs.rejected", "1"), ("vars.ENTRAGIT_WRITER_ID", &desk.writer)];
        desk.job(DECIDE, "reject", "main", subject, &more)
    };
    let refused = reject("ref:refs/heads/main");
    assert!(!refused.passed && refused.log.contains("AADSTS700213"), "{}", refused.log);
    assert_eq!(desk.description(&group).await, "by hand");
    let ran = reject("environment:production");
    assert!(ran.passed, "{}", ran.log);
    assert!(desk.description(&group).await.is_null());
    assert!(desk.receipt("snapshots").contains("Entragit-Plan: "), "the receipt is pushed");
    let ran = propose();
    assert!(ran.passed && desk.calls().last().unwrap() == "gh pr close 8", "{}", ran.log);
}

#[tokio::test(flavor = "multi_thread")]
async fn drill_needs_no_sign_in_and_keeps_its_report() {
    let desk = Desk::new().await;
    let ran = desk.job(DRILL, "drill", "main", "none", &[]);
    assert!(ran.passed, "{}", ran.log);
    let report = std::fs::read_to_string(desk.folder.path().join("artifacts/drill/drill.md")).unwrap();
    assert!(report.starts_with('#') && ran.summary.contains(&report), "{report}");
}
