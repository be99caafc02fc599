//! Runs `plan`.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use clap::Args;

use super::super::connect::connect;
use super::super::credentials::SignIn;
use super::super::output::{Output, TextFormat};
use super::super::selection::Selectors;
use super::planned::show;
use super::session::{guarded, identities};
use super::target::{Wanted, own_tenant};
use crate::engine::guard::accept::Accepted;
use crate::ops::{self, Context};

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The commit that is wanted.
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    to: String,
    /// Only what was changed from BASE to REV, and all else as it is in the tenant: what a merged pull request means. What
    /// somebody else changed meanwhile is refused, with who that was [default: what HEAD changed since the snapshot it follows].
    #[arg(long, value_name = "BASE..REV", num_args = 0..=1, default_missing_value = "", conflicts_with = "to")]
    changes: Option<String>,
    /// Write the plan to a file, for `apply`.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How to show it; markdown fits a comment on a pull request.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: TextFormat,
    /// Print the plan as JSON: short for `--format json`.
    #[arg(long)]
    json: bool,
    /// Take an object that somebody made anew by hand for one that is wanted and gone: if exactly one agrees in name (users: in
    /// user principal name; service principals: in application id).
    #[arg(long)]
    adopt: bool,
    /// Carry over the configuration of another tenant: --to is a commit of that tenant's repository, fetched into this one. The YAML
    /// file says which objects stand for which (`ids`), which domains do (`domains`) and what is left out (`leaveOut`); it may be
    /// empty, as objects of the same name stand for each other. Nothing is deleted without --prune
    #[arg(long, value_name = "FILE", conflicts_with_all = ["changes", "adopt"])]
    map: Option<PathBuf>,
    /// Show the plan as it stands once this is accepted, as with `apply`; may be repeated.
    #[arg(long, value_name = "GUARD[:OBJECT]")]
    accept: Vec<String>,
    /// Delete objects, too, that no snapshot knew.
    #[arg(long)]
    prune: bool,
    /// Take the guards and break-glass accounts from this entragit.yaml [default: as fetched from the remote's main branch,
    /// else as the last snapshot has them; never from the work tree].
    #[arg(long, value_name = "FILE")]
    guards: Option<PathBuf>,
    /// Selection of objects and properties.
    #[command(flatten)]
    selectors: Selectors,
    /// Sign-in.
    #[command(flatten)]
    sign_in: SignIn,
}

/// Shows the plan to a commit, and keeps it in a file if that is wanted.
pub async fn plan(arguments: PlanArgs, repo: &Path, output: &Output) -> Result<u8> {
    let accepted = Accepted::parse(&arguments.accept).map_err(|error| anyhow!(error))?;
    let mut context = guarded(Context::open(repo, output.events())?, arguments.guards.as_deref())?;
    let wanted = Wanted {
        to: &arguments.to,
        changes: arguments.changes.as_deref(),
        prune: arguments.prune,
        adopt: arguments.adopt,
        map: arguments.map.as_deref(),
    };
    own_tenant(&context, wanted.map, &arguments.sign_in)?;
    let aim = wanted.aim(&context, &arguments.selectors)?;
    let tenant = connect(&arguments.sign_in, &context.settings, &context.events)?;
    context.signed_in = identities(&tenant).await?;
    let mut planned = ops::plan::plan(&context, &tenant, &aim).await?;
    planned.verdicts = accepted.settle(&planned.verdicts);
    output.clear();
    show(&planned, if arguments.json { TextFormat::Json } else { arguments.format }, arguments.out.as_deref(), output)
}
