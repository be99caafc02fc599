//! Runs `restore`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use super::super::credentials::SignIn;
use super::super::output::{Output, TextFormat};
use super::super::selection::{Selectors, scope};
use super::carry_out::{ApplyOptions, carry_out};
use super::planned::show;
use super::session::{guarded, signed_in};
use crate::ops::apply::approve::Demand;
use crate::ops::apply::execute::PATIENCE;
use crate::ops::commit::find::{self, Wanted};
use crate::ops::plan::Aim;
use crate::ops::{self, Context, apply};

/// Arguments of `restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// What is brought back: an id, a path, a name, a user principal name, or `kind:name`; several are brought back together.
    #[arg(value_name = "OBJECT", required = true)]
    objects: Vec<String>,
    /// The commit that has it as it should be: a revision, or a time such as `yesterday`.
    #[arg(long, value_name = "REV")]
    from: String,
    /// Only this property or link, as in `members`; may be repeated.
    #[arg(long = "property", value_name = "NAME")]
    properties: Vec<String>,
    /// Write the plan to a file, for `apply`, and carry nothing out.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["yes", "accept"])]
    out: Option<PathBuf>,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
    /// Accept what a guard refuses, by its name, or for one object only, as with `apply`; may be repeated.
    #[arg(long, value_name = "GUARD[:OBJECT]", visible_alias = "lift")]
    accept: Vec<String>,
    /// Take the guards and break-glass accounts from this entragit.yaml, as `apply --guards` does.
    #[arg(long, value_name = "FILE")]
    guards: Option<PathBuf>,
    /// Print one JSON document at the end.
    #[arg(long)]
    json: bool,
    /// Sign-in.
    #[command(flatten)]
    sign_in: SignIn,
}

impl RestoreArgs {
    /// Returns the plan's aim: the objects that the words mean in the commit, and nothing else.
    ///
    /// # Errors
    /// If a word means several objects or none; then the error says which snapshot has it.
    fn aim(&self, context: &Context) -> Result<Aim> {
        let commit = context.resolve(&self.from)?;
        let replaced = find::replaced_ids(context)?;
        let mut selectors = Selectors { properties: self.properties.clone(), ..Selectors::default() };
        for word in &self.objects {
            let found = find::find_in_commit(context, commit, &self.from, &Wanted::parse(word, &[], &replaced))?;
            let label = format!("{} \"{}\"", found.kind.name, found.name);
            context.events.note(format!("{label} as commit {} has it", &commit.to_string()[..10]));
            selectors.kinds.push(found.kind.name.to_owned());
            selectors.ids.push(found.id);
        }
        Ok(Aim { to: commit.to_string(), scope: scope(&selectors)?, ..Aim::default() })
    }
}

/// Brings back single objects as an earlier commit has them.
pub async fn restore(arguments: RestoreArgs, repo: &Path, output: &Output) -> Result<u8> {
    let context = guarded(Context::open(repo, output.events())?, arguments.guards.as_deref())?;
    // What the words mean is known before anybody signs in.
    let aim = arguments.aim(&context)?;
    let (context, tenant) = signed_in(context, &arguments.sign_in).await?;
    if let Some(path) = &arguments.out {
        let planned = ops::plan::plan(&context, &tenant, &aim).await?;
        output.clear();
        let format = if arguments.json { TextFormat::Json } else { TextFormat::Text };
        return show(&planned, format, Some(path), output);
    }
    let _lock = context.repo.lock("restore")?;
    context.ready_snapshots_branch()?;
    let mut ready = apply::prepare(&context, &tenant, &aim).await?;
    let options = ApplyOptions {
        yes: arguments.yes,
        json: arguments.json,
        accept: &arguments.accept,
        patience: PATIENCE,
        demand: Demand::default(),
    };
    carry_out(&context, &tenant, &mut ready, &options, output).await
}
