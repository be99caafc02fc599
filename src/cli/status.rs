//! `status`: arguments → one screen → exit code.

use std::path::Path;

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;

use super::connect::connect;
use super::credentials::SignIn;
use super::exit;
use super::output::Output;
use crate::engine::render;
use crate::engine::status::Live;
use crate::ops::{self, Context};

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Ask the tenant as well: drift, and what can still be restored. Needs a sign-in.
    #[arg(long)]
    live: bool,
    /// Show changes that deserve a second look of so many days; 0 for none.
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    risks_days: u32,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
    /// Sign-in.
    #[command(flatten)]
    sign_in: SignIn,
}

/// Runs it.
pub async fn run(arguments: StatusArgs, repo: &Path, output: &Output) -> Result<u8> {
    let context = Context::open(repo, output.events())?;
    let now = Timestamp::now();
    let mut status = ops::report::status::local(&context, now, arguments.risks_days)?;
    if arguments.live {
        // What is known here is shown, whatever becomes of the rest.
        let asked = match connect(&arguments.sign_in, &context.settings, &context.events) {
            Ok(tenant) => ops::report::status::live(&context, &tenant, now).await,
            Err(error) => Err(error),
        };
        status.live = match asked {
            Ok(seen) => Live::Known(seen),
            Err(error) => Live::Unknown(format!("{error:#}")),
        };
    }
    output.clear();
    let text = match arguments.json {
        true => render::status_json::json(&status),
        false => render::status::text(&status, output.style),
    };
    output.data(&text);
    Ok(match (status.attention().is_empty(), status.is_incomplete()) {
        (false, _) => exit::DIFFERS,
        (true, true) => exit::INCOMPLETE,
        (true, false) => exit::DONE,
    })
}
