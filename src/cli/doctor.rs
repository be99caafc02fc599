//! `doctor`: checks the set-up.

use std::path::Path;

use anyhow::Result;
use clap::Args;

use super::connect::connect;
use super::credentials::SignIn;
use super::exit;
use super::output::Output;
use crate::engine::doctor::State;
use crate::engine::render::doctor as render;
use crate::graph::Claims;
use crate::ops::Context;
use crate::ops::report::doctor::{SignedIn, repository, sign_in};

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    sign_in: SignIn,
}

/// Runs it.
pub async fn run(arguments: DoctorArgs, repo: &Path, output: &Output) -> Result<u8> {
    let context = Context::open(repo, output.events())?;
    let mut checks = repository(&context);
    let mut findings = match connect(&arguments.sign_in, &context.settings, &context.events) {
        Err(error) => sign_in(&context, Err(format!("{error:#}"))),
        Ok(tenant) => match tenant.sign_in().await {
            Err(error) => sign_in(&context, Err(error.to_string())),
            Ok(signed_in) => {
                let clock = tenant.clock().await.map_err(|error| error.to_string());
                let claims = signed_in.claims.as_ref();
                let permissions = claims.map(|claims| claims.roles.union(&claims.scopes).cloned().collect());
                let found = SignedIn {
                    way: &signed_in.way,
                    tenant: claims.map_or("", |claims| &claims.tenant),
                    who: claims.map_or_else(|| "somebody".to_owned(), who),
                    permissions,
                    clock,
                };
                sign_in(&context, Ok(found))
            }
        },
    };
    checks.append(&mut findings.checks);
    findings.checks = checks;
    output.clear();
    output.data(&match arguments.json {
        true => render::json(&findings),
        false => render::text(&findings, output.style),
    });
    Ok(match findings.worst() {
        State::Good => exit::DONE,
        State::Attention => exit::DIFFERS,
        State::Bad => exit::ERROR,
    })
}

/// Returns the person or the application, for people.
fn who(claims: &Claims) -> String {
    match (&claims.person, claims.application_name.as_str()) {
        (Some(person), _) => person.clone(),
        (None, "") => format!("application {}", claims.application),
        (None, name) => format!("application \"{name}\" ({})", claims.application),
    }
}
