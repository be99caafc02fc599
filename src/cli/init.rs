//! Runs `init`.

use std::path::Path;

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::exit;
use super::output::Output;
use crate::format::settings::MainMode;
use crate::kinds;
use crate::model::Kind;
use crate::ops::init::Start;
use crate::ops::snapshot::export::layout_for;

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The tenant's id.
    #[arg(long, env = "AZURE_TENANT_ID", value_name = "ID")]
    tenant: String,
    /// An emergency account, by user principal name or object id, from which no plan may take anything; may be repeated.
    #[arg(long = "break-glass", value_name = "ACCOUNT")]
    break_glass: Vec<String>,
    /// Mode of the branch that people work on: `follow` takes in what the tenant changes by itself, `hold` lets it wait until
    /// somebody accepts or rejects it.
    #[arg(long, value_name = "MODE", default_value = "follow")]
    main: MainWord,
    /// Make it without a work tree.
    #[arg(long)]
    bare: bool,
    /// About how many objects the tenant has, if the first export should not count them: large kinds are kept in 256 or
    /// 4096 folders.
    #[arg(long, value_name = "COUNT")]
    objects: Option<usize>,
}

/// Modes of the branch that people work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MainWord {
    /// It follows the snapshots.
    Follow,
    /// People alone move it.
    Hold,
}

impl From<MainWord> for MainMode {
    fn from(word: MainWord) -> MainMode {
        match word {
            MainWord::Follow => MainMode::Follow,
            MainWord::Hold => MainMode::Hold,
        }
    }
}

/// Makes a tenant repository.
///
/// # Errors
/// If there is one already, or the settings are wrong.
pub fn run(arguments: &InitArgs, repo: &Path, output: &Output) -> Result<u8> {
    let chosen = |kind: &Kind| arguments.objects.map(|objects| (kind.name, layout_for(kind, objects)));
    let layout = kinds::ALL.iter().filter_map(|kind| chosen(kind)).collect();
    let start = Start {
        tenant: &arguments.tenant,
        bare: arguments.bare,
        layout: &layout,
        break_glass: &arguments.break_glass,
        main: arguments.main.into(),
    };
    start.init(repo, &output.events())?;
    Ok(exit::DONE)
}
