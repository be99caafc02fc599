//! `drift`: arguments → report → webhooks → exit code.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

use super::connect::connect;
use super::credentials::SignIn;
use super::diff::{Format, rendered};
use super::exit;
use super::output::Output;
use super::pull_request::{ForgeName, PullRequestArgs, check_alone, keep};
use super::selection::{Selectors, scope};
use crate::engine::drift::is_complete;
use crate::engine::render::notify::{self, Shape};
use crate::model::Report;
use crate::ops::Context;
use crate::ops::report::drift::drift;
use crate::webhook::{self, Target};

/// Time for one webhook with its repetitions.
const DEADLINE: Duration = Duration::from_secs(60);
/// Addresses of webhooks, with commas between.
const URLS: &str = "ENTRAGIT_NOTIFY_URL";

/// Arguments of `drift`.
#[derive(Debug, Args)]
pub struct DriftArgs {
    /// What is approved: a commit, tag or branch [default: the branch people work on, as fetched; without
    /// a remote as it is here].
    #[arg(long, value_name = "REV")]
    baseline: Option<String>,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The same as `--format json`.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Selection of objects and properties.
    #[command(flatten)]
    selectors: Selectors,
    /// Webhooks to notify.
    #[command(flatten)]
    notify: Notify,
    /// The pull request: of what the last snapshot shows, without asking the tenant.
    #[command(flatten)]
    pull_request: PullRequestArgs,
    /// Sign-in.
    #[command(flatten)]
    sign_in: SignIn,
}

/// Webhooks to notify.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Notification")]
struct Notify {
    /// Post a summary to this webhook if there is drift; may be repeated. The address is a secret: better give it in
    /// ENTRAGIT_NOTIFY_URL, several with commas between. A webhook that does not take it is a warning and changes no exit
    /// code.
    #[arg(long = "notify", value_name = "URL")]
    urls: Vec<String>,
    /// What the webhook understands [default: by its host, Slack's and Microsoft's are known].
    #[arg(long = "notify-as", value_enum, value_name = "SHAPE")]
    shape: Option<NotifyShape>,
    /// Post it if there is no drift, too.
    #[arg(long = "notify-always")]
    always: bool,
}

/// Form of message that a webhook understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum NotifyShape {
    /// A JSON document.
    Generic,
    /// Slack's blocks.
    Slack,
    /// A card for Microsoft Teams.
    Teams,
}

/// Runs it.
pub async fn run(arguments: DriftArgs, repo: &Path, output: &Output) -> Result<u8> {
    if let Some(host) = arguments.pull_request.pull_request {
        check_alone(&arguments.selectors)?;
        if arguments.baseline.is_some() || !matches!(arguments.format, Format::Text | Format::Json) {
            bail!("--pull-request writes a pull request; leave --baseline and --format out");
        }
        if host != ForgeName::None && arguments.pull_request.decisions.is_some() {
            bail!("the ticks are those of the pull request; --decisions is for --pull-request=none");
        }
        let json = arguments.json || arguments.format == Format::Json;
        return keep(&arguments.pull_request, json, repo, output).await;
    }
    if arguments.pull_request.decisions.is_some() {
        bail!("--decisions needs --pull-request=none");
    }
    let scope = scope(&arguments.selectors)?;
    // A wrong address is known before anything is read.
    let targets = targets(&arguments.notify, std::env::var(URLS).ok().as_deref())?;
    let context = Context::open(repo, output.events())?;
    let tenant = connect(&arguments.sign_in, &context.settings, &context.events)?;
    let compared = drift(&context, &tenant, arguments.baseline.as_deref(), &scope).await?;
    output.clear();
    let format = if arguments.json { Format::Json } else { arguments.format };
    output.data(&rendered(&compared, format, output.style));
    let report = &compared.report;
    if arguments.notify.always || !report.changes.is_empty() {
        tell(&context, report, &targets, arguments.notify.shape, output).await;
    }
    Ok(match (report.changes.is_empty(), is_complete(report)) {
        (false, _) => exit::DIFFERS,
        (true, false) => exit::INCOMPLETE,
        (true, true) => exit::DONE,
    })
}

/// Flags come before the environment, as everywhere.
fn targets(notify: &Notify, environment: Option<&str>) -> Result<Vec<Target>> {
    let urls: Vec<&str> = match notify.urls.as_slice() {
        [] => environment.unwrap_or_default().split(',').collect(),
        given => given.iter().map(String::as_str).collect(),
    };
    let given = urls.into_iter().map(str::trim).filter(|url| !url.is_empty());
    given.map(|url| Ok(Target::parse(url)?)).collect()
}

/// Posts the summary. What a webhook does is no part of the answer: the exit code is about the tenant, and a chat that is down
/// must neither look like drift nor hide it. A job that finds drift ends with 2 whether or not anyone was told.
async fn tell(context: &Context, report: &Report, targets: &[Target], shape: Option<NotifyShape>, output: &Output) {
    for target in targets {
        let shape = match shape {
            Some(NotifyShape::Generic) => Shape::Generic,
            Some(NotifyShape::Slack) => Shape::Slack,
            Some(NotifyShape::Teams) => Shape::Teams,
            None => Shape::of_host(target.host()),
        };
        let message = notify::message(report, &context.settings.tenant, shape);
        match webhook::post(target, &message, DEADLINE, &context.events).await {
            Ok(()) => output.talk(&format!("told the webhook of {}", target.host())),
            Err(error) => context.events.warn(format!("{error}; nobody was told by it")),
        }
    }
    output.clear();
}
