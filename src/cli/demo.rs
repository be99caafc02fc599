//! `demo`: the whole loop on an embedded tenant, over real HTTP, through the same code that talks to Microsoft Graph.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::json;

use super::exit;
use super::export::report_export;
use super::output::{Output, elapsed};
use super::recover::report_apply;
use crate::emulator::contoso::names;
use crate::emulator::{self, Running, Seed};
use crate::engine::render::{self, text};
use crate::engine::scope::Scope;
use crate::graph::{Config, Credential, GraphTenant};
use crate::kinds;
use crate::model::{Events, Secret, Write};
use crate::ops::commit::source::Source;
use crate::ops::plan::Aim;
use crate::ops::report::diff;
use crate::ops::snapshot::export::{Extra, export, layout_for};
use crate::ops::{Context, apply, init};
use crate::tenant::TenantWrite;

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Where to leave the repository; must be empty or new [default: entragit-demo in the temporary folder].
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Runs the demonstration.
///
/// # Errors
/// If the folder is in use, or any step of the loop fails.
pub async fn demo(arguments: DemoArgs, repo: &Path, output: &Output) -> Result<u8> {
    let start = Instant::now();
    let asked = arguments.dir.or_else(|| (repo != Path::new(".")).then(|| repo.to_owned()));
    let dir = folder(asked)?;
    let state = dir.join(".git").join("entragit").join("tenant.json");

    output.heading(
        "1. An embedded tenant: Contoso, with break-glass accounts, remote workers and an ordering application",
    );
    let running = start_tenant().await?;
    output.say(&format!("a Graph-compatible server listens on {}", running.url()));
    let context = repository(&dir, running.tenant_id(), output)?;
    let tool = tenant_at(&running.url(), &context, application("demo"), output.events())?;

    output.heading("2. Export: each object is one YAML file, a commit is a snapshot");
    let moment = Instant::now();
    let first = export(&context, &tool, &[], &Extra::default()).await?;
    report_export(&context, &first, false, moment, output);

    output.heading(&format!(
        "3. {} changes a policy and the settings of a role in a hurry, and deletes a group",
        names::ADMINISTRATOR
    ));
    let person = Credential::Password {
        client_id: "demo".to_owned(),
        username: names::ADMINISTRATOR_UPN.to_owned(),
        password: Secret::new("demo".to_owned()),
    };
    break_things(&tenant_at(&running.url(), &context, person, Events::silent())?, output).await?;

    output.heading("4. Export again");
    let moment = Instant::now();
    let second = export(&context, &tool, &[], &Extra::default()).await?;
    report_export(&context, &second, false, moment, output);

    output.heading("5. Drift from what was approved, and whose it is: entragit diff HEAD~1 HEAD");
    let (good, bad) = (first.tip.to_string(), second.tip.to_string());
    let (before, after) = (Source::Commit(good.clone()), Source::Commit(bad));
    let compared = diff::diff::<GraphTenant>(&context, None, &before, &after, &Scope::default()).await?;
    output.data(&text::report(&compared.report, &compared.names, output.style));

    let code = recover(&context, &tool, good, output).await?;
    running.save(&state)?;
    running.stop().await?;
    if code != exit::DONE {
        bail!("the recovery could not be verified");
    }
    report_folder(&dir, &state, start, output);
    output.data("verified\n");
    Ok(exit::DONE)
}

/// Starts the embedded tenant on a free port of this machine.
async fn start_tenant() -> Result<Running> {
    let options = emulator::Options {
        listen: ([127, 0, 0, 1], 0).into(),
        seed: Seed::Contoso,
        state: None,
        tenant: None,
        client: None,
        certificate: None,
        secret: None,
        roles: None,
        faults: emulator::Faults::default(),
    };
    emulator::start(options).await
}

/// Plans to a commit, applies that, and returns the exit code.
async fn recover(context: &Context, tool: &GraphTenant, commit: String, output: &Output) -> Result<u8> {
    output.heading("6. What would bring it back: entragit plan --to HEAD~1");
    let aim = Aim { to: commit, ..Aim::default() };
    let ready = apply::prepare(context, tool, &aim).await?;
    output.data(&render::plan::text(&ready.plan, &ready.verdicts, &ready.names, output.style));
    apply::check_guards(&ready.verdicts, &[])?;

    output.heading("7. Apply, and read again: entragit apply --to HEAD~1");
    let moment = Instant::now();
    let applied = apply::apply(context, tool, &ready).await?;
    Ok(report_apply(&applied, &ready, moment, output))
}

/// Says where the repository and the tenant are kept.
fn report_folder(dir: &Path, state: &Path, start: Instant, output: &Output) {
    output.heading(&format!(
        "Done in {}: everything is back as it was. The repository is yours to look at:",
        elapsed(start)
    ));
    let shown = dir.display();
    output.say(&format!(
        "  git -C {shown} log --stat\n  git -C {shown} show HEAD~1\n  git -C {shown} diff HEAD~2 HEAD~1\n\nThe tenant is \
         kept, too. To go on with it:\n  entragit emulate --listen 127.0.0.1:8765 --state {}",
        state.display()
    ));
}

/// The folder for the repository: the one asked for, or a fresh one in the temporary folder.
fn folder(asked: Option<PathBuf>) -> Result<PathBuf> {
    let used = |dir: &Path| std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
    match asked {
        Some(dir) if used(&dir) => {
            bail!("{} is not empty; name another folder, or remove it: the demo starts from nothing", dir.display())
        }
        Some(dir) => Ok(dir),
        None => {
            let base = std::env::temp_dir();
            let free = (1..1_000)
                .map(|number| {
                    base.join(if number == 1 { "entragit-demo".to_owned() } else { format!("entragit-demo-{number}") })
                })
                .find(|dir| !used(dir));
            free.with_context(|| format!("{} holds too many demos; remove some", base.display()))
        }
    }
}

fn repository(dir: &Path, tenant: &str, output: &Output) -> Result<Context> {
    let layout = kinds::ALL.iter().map(|kind| (kind.name, layout_for(kind, 300))).collect();
    let emergency = [names::EMERGENCY_1.to_owned(), names::EMERGENCY_2.to_owned()];
    init::init(dir, tenant, false, &layout, &emergency, &output.events())
}

/// An application, as the embedded tenant takes it.
pub fn application(name: &str) -> Credential {
    Credential::ClientSecret { client_id: name.to_owned(), client_secret: Secret::new(name.to_owned()) }
}

/// The embedded tenant at an address.
pub fn tenant_at(url: &str, context: &Context, credential: Credential, events: Events) -> Result<GraphTenant> {
    let config = Config {
        graph_url: url.to_owned(),
        authority_url: url.to_owned(),
        tenant: context.settings.tenant.clone(),
        credential,
        concurrency: 8,
        deadline: Duration::from_secs(60),
    };
    Ok(GraphTenant::connect(config, events)?)
}

/// The scenario of an ordinary bad day: a policy that should demand multifactor authentication of remote workers now blocks
/// them, whoever is eligible administers policies without a second factor or a reason, and the group of those who approve
/// orders is gone.
async fn break_things(person: &GraphTenant, output: &Output) -> Result<()> {
    let policies = kinds::by_name("conditionalAccessPolicy").context("the kind of policies")?;
    let groups = kinds::by_name("group").context("the kind of groups")?;
    let change = json!({
        "grantControls": {
            "operator": "OR",
            "builtInControls": ["block"],
            "customAuthenticationFactors": [],
            "termsOfUse": [],
            "authenticationStrength": null
        }
    });
    let body = change.as_object().cloned().unwrap_or_default();
    person.write(&Write::Update { kind: policies, id: names::ORDERING_POLICY.to_owned(), body }).await?;
    output.say(&format!("changed the policy \"{}\": it blocks now", names::ORDERING_POLICY_NAME));
    let settings = kinds::by_name("roleManagementPolicy").context("the kind of role settings")?;
    let rule = json!({
        "@odata.type": "#microsoft.graph.unifiedRoleManagementPolicyEnablementRule",
        "id": "Enablement_EndUser_Assignment",
        "enabledRules": []
    });
    let relaxed = Write::Relink {
        kind: settings,
        id: names::ADMINISTRATOR_SETTINGS.to_owned(),
        link: "rules",
        child: "Enablement_EndUser_Assignment".to_owned(),
        value: rule.as_object().cloned().unwrap_or_default(),
    };
    person.write(&relaxed).await?;
    output.say("changed the settings of Conditional Access Administrator: to activate the role takes nothing any more");
    person.write(&Write::Delete { kind: groups, id: names::ORDER_APPROVERS.to_owned() }).await?;
    output.say(&format!("deleted the group \"{}\"", names::ORDER_APPROVERS_NAME));
    Ok(())
}
