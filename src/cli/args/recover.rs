//! Arguments of the commands that bring a tenant to a commit.

use std::path::PathBuf;

use clap::Args;

use super::super::credentials::SignIn;
use super::super::output::TextFormat;
use super::super::selection::Selectors;

/// `plan`
#[derive(Debug, Args)]
pub struct Plan {
    /// The commit that is wanted.
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    pub to: String,
    /// Only what was changed from BASE to REV, and all else as it is in the tenant: what a merged pull request means. What
    /// somebody else changed meanwhile is refused, with who that was [default: what HEAD changed since the snapshot it follows].
    #[arg(long, value_name = "BASE..REV", num_args = 0..=1, default_missing_value = "", conflicts_with = "to")]
    pub changes: Option<String>,
    /// Write the plan to a file, for `apply`.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// How to show it; markdown fits a comment on a pull request.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    pub format: TextFormat,
    /// Print the plan as JSON: short for `--format json`.
    #[arg(long)]
    pub json: bool,
    /// Take an object that somebody made anew by hand for one that is wanted and gone: if exactly one agrees in name (users: in
    /// user principal name; service principals: in application id).
    #[arg(long)]
    pub adopt: bool,
    /// Carry over the configuration of another tenant: --to is a commit of that tenant's repository, fetched into this one. The YAML
    /// file says which objects stand for which (`ids`), which domains do (`domains`) and what is left out (`leaveOut`); it may be
    /// empty, as objects of the same name stand for each other. Nothing is deleted without --prune
    #[arg(long, value_name = "FILE", conflicts_with_all = ["changes", "adopt"])]
    pub map: Option<PathBuf>,
    /// Show the plan as it stands once this is accepted, as with `apply`; may be repeated.
    #[arg(long, value_name = "GUARD[:OBJECT]")]
    pub accept: Vec<String>,
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
    /// Carry out a plan file only if so many people have signed it, beside its authors; the settings may ask for more.
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub require_approvals: usize,
    /// Who may approve, as git's allowed-signers file; only where `approval.signers` in entragit.yaml names nobody.
    #[arg(long, value_name = "FILE")]
    pub allowed_signers: Option<PathBuf>,
    /// A signature; may be repeated [default: PLAN.sig and PLAN.*.sig].
    #[arg(long, value_name = "FILE", requires = "plan")]
    pub signatures: Vec<PathBuf>,
    /// Take up the last run that was cut off in this clone, where it was.
    #[arg(long, conflicts_with_all = ["plan", "to", "changes", "prune"])]
    pub resume: bool,
    /// Plan to this commit, and carry that out.
    #[arg(long, value_name = "REV")]
    pub to: Option<String>,
    /// Only what was changed from BASE to REV, and all else as it is in the tenant: what a merged pull request means. What
    /// somebody else changed meanwhile is refused, with who that was [default: what HEAD changed since the snapshot it follows].
    #[arg(long, value_name = "BASE..REV", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["to", "plan"])]
    pub changes: Option<String>,
    /// Do not ask.
    #[arg(long, short)]
    pub yes: bool,
    /// Accept what a guard refuses, by its name, or for one object only, as in lock-out:user/<id>; may be repeated. The
    /// receipt says what was accepted.
    #[arg(long, value_name = "GUARD[:OBJECT]", visible_alias = "lift")]
    pub accept: Vec<String>,
    /// Take an object that somebody made anew by hand for one that is wanted and gone: if exactly one agrees in name (users: in
    /// user principal name; service principals: in application id).
    #[arg(long, conflicts_with = "plan")]
    pub adopt: bool,
    /// Carry over the configuration of another tenant: --to is a commit of that tenant's repository, fetched into this one. The YAML
    /// file says which objects stand for which (`ids`), which domains do (`domains`) and what is left out (`leaveOut`); it may be
    /// empty, as objects of the same name stand for each other. Nothing is deleted without --prune
    #[arg(long, value_name = "FILE", conflicts_with_all = ["changes", "adopt", "plan", "resume"])]
    pub map: Option<PathBuf>,
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

/// `undo`
#[derive(Debug, Args)]
pub struct Undo {
    /// The receipt of the apply, by any name that git knows [default: the last one].
    #[arg(value_name = "RECEIPT")]
    pub receipt: Option<String>,
    /// Write the plan to a file, for `apply`, and carry nothing out.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["yes", "accept"])]
    pub out: Option<PathBuf>,
    /// Do not ask.
    #[arg(long, short)]
    pub yes: bool,
    /// Accept what a guard refuses, by its name, or for one object only, as with `apply`; may be repeated.
    #[arg(long, value_name = "GUARD[:OBJECT]", visible_alias = "lift")]
    pub accept: Vec<String>,
    /// Leave this out, as `plan --exclude` does; may be repeated.
    #[arg(long, value_name = "WHAT")]
    pub exclude: Vec<String>,
    /// Take the guards and break-glass accounts from this entragit.yaml, as `apply --guards` does.
    #[arg(long, value_name = "FILE")]
    pub guards: Option<PathBuf>,
    /// Print one JSON document at the end.
    #[arg(long)]
    pub json: bool,
    /// Sign-in.
    #[command(flatten)]
    pub sign_in: SignIn,
}

/// `drill`
#[derive(Debug, Args)]
pub struct Drill {
    /// The commit to recover [default: the last snapshot].
    #[arg(value_name = "REV", conflicts_with = "company")]
    pub revision: Option<String>,
    /// What goes wrong: see below.
    #[arg(long, value_name = "NAME", default_value = "everything")]
    pub scenario: String,
    /// A made-up company instead of a snapshot: `contoso` or `random:N`.
    #[arg(long, value_name = "COMPANY")]
    pub company: Option<String>,
    /// How to show the result.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    pub format: TextFormat,
    /// Print one JSON document: short for `--format json`.
    #[arg(long)]
    pub json: bool,
    /// Show every step of the recovery.
    #[arg(long)]
    pub progress: bool,
}

/// `sign`
#[derive(Debug, Args)]
pub struct Sign {
    /// The plan file.
    #[arg(value_name = "PLAN")]
    pub plan: PathBuf,
    /// The SSH key: a private key's file, or the public key of one that an agent holds [default: git's user.signingKey].
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Where to write the signature [default: beside the plan, PLAN.*.sig].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Do not ask.
    #[arg(long, short)]
    pub yes: bool,
}
