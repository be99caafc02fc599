//! Arguments of `init`.

use clap::{Args, ValueEnum};

use crate::format::settings::MainMode;

/// `init`
#[derive(Debug, Args)]
pub struct Init {
    /// The tenant's id.
    #[arg(long, env = "AZURE_TENANT_ID", value_name = "ID")]
    pub tenant: String,
    /// An emergency account, by user principal name or object id, from which no plan may take anything; may be repeated.
    #[arg(long = "break-glass", value_name = "ACCOUNT")]
    pub break_glass: Vec<String>,
    /// Mode of the branch that people work on: `follow` takes in what the tenant changes by itself, `hold` lets it wait until
    /// somebody accepts or rejects it.
    #[arg(long, value_name = "MODE", default_value = "follow")]
    pub main: MainWord,
    /// Make it without a work tree.
    #[arg(long)]
    pub bare: bool,
    /// About how many objects the tenant has, if the first export should not count them: large kinds are kept in 256 or
    /// 4096 folders.
    #[arg(long, value_name = "COUNT")]
    pub objects: Option<usize>,
}

/// Modes of the branch that people work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MainWord {
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
