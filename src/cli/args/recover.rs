//! Arguments of the commands that bring a tenant to a commit.

use std::path::PathBuf;

use clap::Args;

use super::{Selectors, SignIn};

/// `plan`
#[derive(Debug, Args)]
pub struct Plan {
    /// The commit that is wanted.
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    pub to: String,
    /// Write the plan to a file, for `apply`.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print the plan as JSON.
    #[arg(long)]
    pub json: bool,
    /// Delete objects, too, that no snapshot knew.
    #[arg(long)]
    pub prune: bool,
    /// Take the guards and break-glass accounts from this entragit.yaml [default: as fetched from the remote's main branch,
    /// else as the last snapshot has them; never from the work tree].
    #[arg(long, value_name = "FILE")]
    pub guards: Option<PathBuf>,
    /// What to look at.
    #[command(flatten)]
    pub selectors: Selectors,
    /// Sign-in.
    #[command(flatten)]
    pub sign_in: SignIn,
}

/// `apply`
#[derive(Debug, Args)]
pub struct Apply {
    /// A plan file.
    #[arg(value_name = "PLAN", conflicts_with = "to")]
    pub plan: Option<PathBuf>,
    /// Plan to this commit, and carry that out.
    #[arg(long, value_name = "REV")]
    pub to: Option<String>,
    /// Do not ask.
    #[arg(long, short)]
    pub yes: bool,
    /// Lift a guard by its name; may be repeated.
    #[arg(long, value_name = "GUARD")]
    pub lift: Vec<String>,
    /// Delete objects, too, that no snapshot knew.
    #[arg(long, conflicts_with = "plan")]
    pub prune: bool,
    /// Take the guards and break-glass accounts from this entragit.yaml [default: as fetched from the remote's main branch,
    /// else as the last snapshot has them; never from the work tree].
    #[arg(long, value_name = "FILE")]
    pub guards: Option<PathBuf>,
    /// How long to look for what was written and does not show: Graph's replicas lag, and answers get lost.
    #[arg(long, value_name = "SECONDS", default_value_t = 90)]
    pub patience: u64,
    /// Print one JSON document at the end.
    #[arg(long)]
    pub json: bool,
    /// What to look at.
    #[command(flatten)]
    pub selectors: Selectors,
    /// Sign-in.
    #[command(flatten)]
    pub sign_in: SignIn,
}
