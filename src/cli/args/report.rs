//! Arguments of the commands that only tell.

use clap::{Args, ValueEnum};

use super::super::credentials::SignIn;
use super::super::diff::Format;
use super::super::pull_request::PullRequestArgs;
use super::super::selection::Selectors;

/// `diff`
#[derive(Debug, Args)]
pub struct Diff {
    /// Left side: a commit, tag or branch, a moment as in `@{yesterday}` or `@{2026-11-20}`, `worktree`, `live`, or a report
    /// saved with `--json` [default: HEAD]. With --since it is the right side.
    #[arg(value_name = "A")]
    pub a: Option<String>,
    /// Right side [default: live].
    #[arg(value_name = "B", conflicts_with = "since")]
    pub b: Option<String>,
    /// From the last snapshot before this moment, as in `2d`, `36h`, `2026-11-20`.
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// The same as `--format json`.
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// End with 2 if anything differs: always so, accepted out of habit.
    #[arg(long, hide = true)]
    pub exit_code: bool,
    /// What to look at.
    #[command(flatten)]
    pub selectors: Selectors,
    /// Sign-in.
    #[command(flatten)]
    pub sign_in: SignIn,
}

/// `log`
#[derive(Debug, Args)]
pub struct Log {
    /// An object: its id, application id, path, name, user principal name, or `kind:name` [default: all snapshots].
    #[arg(value_name = "OBJECT")]
    pub object: Option<String>,
    /// Nothing before this moment, as in `2d`, `36h`, `2026-11-20`.
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// At most so many.
    #[arg(long, short = 'n', value_name = "N")]
    pub limit: Option<usize>,
    /// Only this kind, as in `group`; may be repeated.
    #[arg(long = "kind", value_name = "KIND")]
    pub kinds: Vec<String>,
    /// Only this property or link of the object, as in `members`; may be repeated.
    #[arg(long = "property", value_name = "NAME", requires = "object")]
    pub properties: Vec<String>,
    /// Say how many changes of each snapshot deserve a second look; of an object they are always shown.
    #[arg(long)]
    pub risks: bool,
    /// Print one JSON document.
    #[arg(long)]
    pub json: bool,
}

/// `blame`
#[derive(Debug, Args)]
pub struct Blame {
    /// An object: its id, application id, path, name, user principal name, or `kind:name`.
    #[arg(value_name = "OBJECT")]
    pub object: String,
    /// As it was in this commit [default: the last snapshot].
    #[arg(long, value_name = "REV")]
    pub rev: Option<String>,
    /// Print one JSON document.
    #[arg(long)]
    pub json: bool,
}

/// `show`
#[derive(Debug, Args)]
pub struct Show {
    /// An object, or a commit and an object: `HEAD~1:Remote workers`.
    #[arg(value_name = "[REV:]OBJECT")]
    pub object: String,
    /// Print one JSON document, with the names of what the object refers to.
    #[arg(long)]
    pub json: bool,
}

/// `drift`
#[derive(Debug, Args)]
pub struct Drift {
    /// What is approved: a commit, tag or branch [default: the branch people work on, as fetched; without
    /// a remote as it is here].
    #[arg(long, value_name = "REV")]
    pub baseline: Option<String>,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// The same as `--format json`.
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// What to look at.
    #[command(flatten)]
    pub selectors: Selectors,
    /// Whom to tell.
    #[command(flatten)]
    pub notify: Notify,
    /// The pull request: of what the last snapshot shows, without asking the tenant.
    #[command(flatten)]
    pub pull_request: PullRequestArgs,
    /// Sign-in.
    #[command(flatten)]
    pub sign_in: SignIn,
}

/// Whom to tell.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Notification")]
pub struct Notify {
    /// Post a summary to this webhook if there is drift; may be repeated. The address is a secret: better give it in
    /// ENTRAGIT_NOTIFY_URL, several with commas between. A webhook that does not take it is a warning and changes no exit
    /// code.
    #[arg(long = "notify", value_name = "URL")]
    pub urls: Vec<String>,
    /// What the webhook understands [default: by its host, Slack's and Microsoft's are known].
    #[arg(long = "notify-as", value_enum, value_name = "SHAPE")]
    pub shape: Option<NotifyShape>,
    /// Post it if there is no drift, too.
    #[arg(long = "notify-always")]
    pub always: bool,
}

/// What a webhook understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NotifyShape {
    /// A JSON document.
    Generic,
    /// Slack's blocks.
    Slack,
    /// A card for Microsoft Teams.
    Teams,
}

/// `status`
#[derive(Debug, Args)]
pub struct Status {
    /// Ask the tenant as well: drift, and what can still be restored. Needs a sign-in.
    #[arg(long)]
    pub live: bool,
    /// Show changes that deserve a second look of so many days; 0 for none.
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    pub risks_days: u32,
    /// Print one JSON document.
    #[arg(long)]
    pub json: bool,
    /// Sign-in.
    #[command(flatten)]
    pub sign_in: SignIn,
}
