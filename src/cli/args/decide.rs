//! Arguments of `accept` and `reject`.

use std::path::PathBuf;

use clap::Args;

use super::super::credentials::SignIn;
use super::super::diff::Format;
use super::super::pull_request::PullRequestArgs;
use super::super::selection::Selectors;
use super::Apply;
use crate::ops::plan::decide::Rejected;

/// `accept`
#[derive(Debug, Args)]
pub struct Accept {
    /// All changes that nobody has decided on.
    #[arg(long)]
    pub all: bool,
    /// Only changes that nobody but this person or application made, by name (`*` stands for anything) or object id.
    #[arg(long, value_name = "AUTHOR")]
    pub by: Option<String>,
    /// The form of the report.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Selection of objects and properties.
    #[command(flatten)]
    pub selectors: Selectors,
    /// Ticks in a pull request, instead of a selection.
    #[command(flatten)]
    pub pull_request: PullRequestArgs,
}

/// `reject`
#[derive(Debug, Args)]
pub struct Reject {
    /// All changes that nobody has decided on.
    #[arg(long)]
    pub all: bool,
    /// Do not ask.
    #[arg(long, short)]
    pub yes: bool,
    /// Accept what a guard refuses, by its name, or for one object only, as in lock-out:user/<id>; may be repeated. The
    /// receipt says what was accepted.
    #[arg(long, value_name = "GUARD[:OBJECT]", visible_alias = "lift")]
    pub accept: Vec<String>,
    /// Take the guards and break-glass accounts from this entragit.yaml [default: as fetched from the remote's main branch,
    /// else as the last snapshot has them; never from the work tree].
    #[arg(long, value_name = "FILE")]
    pub guards: Option<PathBuf>,
    /// Seconds to look for what was written and does not show yet: Graph's replicas lag, and answers get lost.
    #[arg(long, value_name = "SECONDS", default_value_t = 90)]
    pub patience: u64,
    /// Print one JSON document at the end.
    #[arg(long)]
    pub json: bool,
    /// Selection of objects and properties.
    #[command(flatten)]
    pub selectors: Selectors,
    /// Ticks in a pull request, instead of a selection.
    #[command(flatten)]
    pub pull_request: PullRequestArgs,
    /// Sign-in.
    #[command(flatten)]
    pub sign_in: SignIn,
}

impl Reject {
    /// Returns the arguments of an apply that carries out the rejected changes, and nothing else.
    pub fn into_apply(self, rejected: &Rejected) -> Apply {
        Apply {
            plan: None,
            require_approvals: 0,
            allowed_signers: None,
            signatures: Vec::new(),
            resume: false,
            to: None,
            changes: Some(format!("{}..{}", rejected.snapshot, rejected.commit)),
            yes: self.yes,
            accept: self.accept,
            adopt: false,
            map: None,
            prune: false,
            guards: self.guards,
            patience: self.patience,
            json: self.json,
            selectors: self.selectors,
            sign_in: self.sign_in,
        }
    }
}
