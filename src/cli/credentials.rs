//! Chooses the way to sign in, in the order that Microsoft's SDKs document for the variables `AZURE_…`.
//! <https://learn.microsoft.com/dotnet/azure/sdk/authentication/credential-chains#defaultazurecredential-overview>

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::{Args, ValueEnum};

use crate::graph::{Assertion, Certificate, Credential, IdentityHost};
use crate::model::Secret;
use crate::repo::{NamedBy, read_file};

/// Public client of Microsoft that people sign in with if no other is named: "Microsoft Graph Command Line Tools".
const PUBLIC_CLIENT: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";
/// Address of the endpoint for managed identities on virtual machines.
const IMDS: &str = "http://169.254.169.254";
/// Maximum number of bytes of a certificate file.
const MOST: u64 = 1 << 20;

/// Holds the way to sign in, and the place.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Sign-in")]
pub struct SignIn {
    /// Way to sign in. `auto` takes the first that the environment has: a ready token, a client secret, a certificate, workload
    /// identity federation (`AZURE_FEDERATED_TOKEN_FILE`, GitHub Actions, Azure Pipelines), a managed identity, the Azure CLI,
    /// the Azure Developer CLI.
    #[arg(long, env = "ENTRAGIT_AUTH", value_enum, value_name = "WAY", default_value = "auto", hide_env_values = true)]
    auth: Auth,
    /// Application (client) id; for a managed identity the id of a user-assigned one.
    #[arg(long, env = "AZURE_CLIENT_ID", value_name = "ID", hide_env_values = true)]
    client_id: Option<String>,
    /// Client secret; better given by the environment than here.
    #[arg(long, env = "AZURE_CLIENT_SECRET", value_name = "SECRET", hide_env_values = true)]
    client_secret: Option<String>,
    /// File with a certificate and its private key: PEM, or PFX with its password in `AZURE_CLIENT_CERTIFICATE_PASSWORD`.
    #[arg(long, env = "AZURE_CLIENT_CERTIFICATE_PATH", value_name = "FILE", hide_env_values = true)]
    certificate: Option<PathBuf>,
    /// File with the token of an issuer that the application trusts.
    #[arg(long, env = "AZURE_FEDERATED_TOKEN_FILE", value_name = "FILE", hide_env_values = true)]
    federated_token_file: Option<PathBuf>,
    /// A ready bearer token.
    #[arg(long, env = "ENTRAGIT_ACCESS_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    access_token: Option<String>,
    /// Cloud of the tenant [default: public, or the one that AZURE_AUTHORITY_HOST belongs to].
    #[arg(long, env = "ENTRAGIT_CLOUD", value_enum, value_name = "CLOUD", hide_env_values = true)]
    pub cloud: Option<Cloud>,
    /// Microsoft Graph's address, without a version [default: the cloud's, such as https://graph.microsoft.com].
    #[arg(long, env = "ENTRAGIT_GRAPH_URL", value_name = "URL", hide_env_values = true)]
    pub graph_url: Option<String>,
    /// The sign-in service's address [default: AZURE_AUTHORITY_HOST, or the cloud's].
    #[arg(long, env = "ENTRAGIT_AUTHORITY_URL", value_name = "URL", hide_env_values = true)]
    pub authority_url: Option<String>,
    /// Tenant to sign in to, if not the repository's.
    #[arg(long, env = "AZURE_TENANT_ID", value_name = "ID")]
    pub tenant: Option<String>,
}

/// Ways to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Auth {
    /// The first that the environment has
    Auto,
    /// A ready token
    Token,
    /// An application with a client secret
    Secret,
    /// An application with a certificate
    Certificate,
    /// An application that trusts another issuer's tokens
    Workload,
    /// The managed identity of an Azure resource
    ManagedIdentity,
    /// The account of the Azure CLI
    AzureCli,
    /// The account of the Azure Developer CLI
    Azd,
    /// A person, who types a code in a browser anywhere
    DeviceCode,
    /// A person, in a browser on this machine
    Browser,
}

/// Clouds, each with a sign-in service and a Graph of its own.
/// <https://learn.microsoft.com/graph/deployments>
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Cloud {
    /// Azure, Microsoft 365, and US Government GCC
    Public,
    /// US Government L4 (GCC High)
    Usgov,
    /// US Government L5 (DoD)
    UsgovDod,
    /// China, operated by 21Vianet
    China,
}

impl Cloud {
    /// Returns the addresses of the sign-in service and of Graph.
    pub fn addresses(self) -> (&'static str, &'static str) {
        match self {
            Cloud::Public => ("https://login.microsoftonline.com", "https://graph.microsoft.com"),
            Cloud::Usgov => ("https://login.microsoftonline.us", "https://graph.microsoft.us"),
            Cloud::UsgovDod => ("https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
            Cloud::China => ("https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"),
        }
    }

    /// Returns the cloud that a sign-in service belongs to; of the two US Government clouds that share one, L4.
    pub fn of(authority: &str) -> Option<Cloud> {
        let authority = authority.trim_end_matches('/');
        let clouds = [Cloud::Public, Cloud::Usgov, Cloud::China];
        clouds.into_iter().find(|cloud| cloud.addresses().0.eq_ignore_ascii_case(authority))
    }
}

/// Looks up a variable of the environment; empty ones count as not set.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Returns the value of a variable of this process.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// Returns the credential that flags and environment describe. A person is asked for `permissions`, unless an application
/// of its own is named, which is registered with them.
///
/// # Errors
/// If the way that is asked for lacks something, naming what.
pub fn choose(sign_in: &SignIn, env: Lookup<'_>, permissions: &[&'static str]) -> Result<Credential> {
    let way = match (sign_in.auth, env("AZURE_TOKEN_CREDENTIALS")) {
        (Auth::Auto, Some(name)) => named(&name)?,
        (way, _) => vec![way],
    };
    match way.as_slice() {
        [Auth::Auto] => auto(sign_in, env, permissions),
        [one] => of(*one, sign_in, env, permissions)?.ok_or_else(|| anyhow!("{}", lacking(*one))),
        several => {
            let found: Vec<Credential> = several
                .iter()
                .filter_map(|way| of(*way, sign_in, env, permissions).transpose())
                .collect::<Result<_>>()?;
            if found.is_empty() {
                let name = env("AZURE_TOKEN_CREDENTIALS").unwrap_or_default();
                let lacks = lacking(several[0]);
                bail!("AZURE_TOKEN_CREDENTIALS is {name:?}, and the environment holds nothing for it; {lacks}");
            }
            Ok(Credential::FirstOf(found))
        }
    }
}

/// Returns the ways that `AZURE_TOKEN_CREDENTIALS` allows.
fn named(name: &str) -> Result<Vec<Auth>> {
    Ok(match name.trim().to_lowercase().as_str() {
        "dev" => vec![Auth::AzureCli, Auth::Azd],
        "prod" => vec![Auth::Secret, Auth::Certificate, Auth::Workload, Auth::ManagedIdentity],
        "environmentcredential" => vec![Auth::Secret, Auth::Certificate],
        "workloadidentitycredential" => vec![Auth::Workload],
        "managedidentitycredential" => vec![Auth::ManagedIdentity],
        "azureclicredential" => vec![Auth::AzureCli],
        "azuredeveloperclicredential" => vec![Auth::Azd],
        "interactivebrowsercredential" => vec![Auth::Browser],
        _ => bail!(
            "AZURE_TOKEN_CREDENTIALS is {name:?}, which names no way that entragit has; `--auth` names one of its own"
        ),
    })
}

/// Returns the credential that the environment holds; if it holds none, the ways of this machine, which are tried one by one.
fn auto(sign_in: &SignIn, env: Lookup<'_>, permissions: &[&'static str]) -> Result<Credential> {
    for way in [Auth::Token, Auth::Secret, Auth::Certificate, Auth::Workload] {
        if let Some(credential) = of(way, sign_in, env, permissions)? {
            return Ok(credential);
        }
    }
    // App Service, Container Apps and Azure Arc say so themselves.
    if env("IDENTITY_ENDPOINT").is_some()
        && let Some(credential) = of(Auth::ManagedIdentity, sign_in, env, permissions)?
    {
        return Ok(credential);
    }
    let ways = [Auth::ManagedIdentity, Auth::AzureCli, Auth::Azd];
    let ways = ways.into_iter().filter_map(|way| of(way, sign_in, env, permissions).transpose());
    Ok(Credential::FirstOf(ways.collect::<Result<_>>()?))
}

/// Returns the credential of one way; `None` if the environment does not hold it.
fn of(way: Auth, sign_in: &SignIn, env: Lookup<'_>, permissions: &[&'static str]) -> Result<Option<Credential>> {
    let client_id = sign_in.client_id.clone().filter(|id| !id.is_empty());
    Ok(match way {
        Auth::Auto => None,
        Auth::Token => filled(&sign_in.access_token).map(Credential::Token),
        Auth::Secret => client_id
            .zip(filled(&sign_in.client_secret))
            .map(|(client_id, client_secret)| Credential::ClientSecret { client_id, client_secret }),
        Auth::Certificate => match client_id.zip(sign_in.certificate.as_deref()) {
            Some((client_id, path)) => {
                let certificate = certificate(path, env)?;
                let send_chain = env("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN")
                    .is_some_and(|text| matches!(text.as_str(), "1" | "true" | "True"));
                Some(Credential::Certificate { client_id, certificate, send_chain })
            }
            None => None,
        },
        Auth::Workload => assertion(sign_in, env)
            .and_then(|(assertion, own_id)| Some((client_id.or(own_id)?, assertion)))
            .map(|(client_id, assertion)| Credential::Federated { client_id, assertion }),
        Auth::ManagedIdentity => Some(Credential::ManagedIdentity { client_id, host: host(env) }),
        Auth::AzureCli => Some(Credential::AzureCli),
        Auth::Azd => Some(Credential::AzureDeveloperCli),
        Auth::DeviceCode | Auth::Browser => {
            let permissions = if client_id.is_some() { Vec::new() } else { permissions.to_vec() };
            let client_id = client_id.unwrap_or_else(|| PUBLIC_CLIENT.to_owned());
            Some(match way {
                Auth::Browser => Credential::Browser { client_id, permissions },
                _ => Credential::DeviceCode { client_id, permissions },
            })
        }
    })
}

fn filled(text: &Option<String>) -> Option<Secret<String>> {
    text.clone().filter(|text| !text.trim().is_empty()).map(Secret::new)
}

/// Returns the source of another issuer's token, and the client id that comes with it.
fn assertion(sign_in: &SignIn, env: Lookup<'_>) -> Option<(Assertion, Option<String>)> {
    if let Some(path) = sign_in.federated_token_file.clone().filter(|path| !path.as_os_str().is_empty()) {
        return Some((Assertion::File(path), None));
    }
    if let Some(token) = env("ENTRAGIT_FEDERATED_TOKEN") {
        return Some((Assertion::Text(Secret::new(token)), None));
    }
    if let Some((url, token)) = env("ACTIONS_ID_TOKEN_REQUEST_URL").zip(env("ACTIONS_ID_TOKEN_REQUEST_TOKEN")) {
        return Some((Assertion::GitHub { url, token: Secret::new(token) }, None));
    }
    // The tasks AzureCLI@2 and AzurePowerShell@5 set the ids of their service connection.
    let connection = env("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID")?;
    let (url, token) = env("SYSTEM_OIDCREQUESTURI").zip(env("SYSTEM_ACCESSTOKEN"))?;
    let assertion = Assertion::AzurePipelines { url, token: Secret::new(token), connection };
    Some((assertion, env("AZURESUBSCRIPTION_CLIENT_ID")))
}

fn host(env: Lookup<'_>) -> IdentityHost {
    match (env("IDENTITY_ENDPOINT"), env("IDENTITY_HEADER"), env("IMDS_ENDPOINT")) {
        (Some(url), Some(header), _) => IdentityHost::AppService { url, header: Secret::new(header) },
        (Some(url), None, Some(_)) => IdentityHost::Arc { url },
        _ => IdentityHost::Imds { url: env("AZURE_POD_IDENTITY_AUTHORITY_HOST").unwrap_or_else(|| IMDS.to_owned()) },
    }
}

fn certificate(path: &Path, env: Lookup<'_>) -> Result<Certificate> {
    let named = || format!("reading the certificate {}", path.display());
    let bytes = read_file(path, NamedBy::Person, MOST).with_context(named)?;
    let password = env("AZURE_CLIENT_CERTIFICATE_PASSWORD").map(Secret::new);
    let is_pem = bytes.windows(11).any(|part| part == b"-----BEGIN ");
    let certificate = match is_pem {
        true => Certificate::from_pem(&bytes),
        false => Certificate::from_pfx(path, password.as_ref()),
    };
    certificate.map_err(|why| anyhow!(why)).with_context(named)
}

/// Returns what a way needs that is not there.
fn lacking(way: Auth) -> &'static str {
    match way {
        Auth::Token => "--auth token needs ENTRAGIT_ACCESS_TOKEN",
        Auth::Secret => "--auth secret needs AZURE_CLIENT_ID and AZURE_CLIENT_SECRET",
        Auth::Certificate => {
            "--auth certificate needs AZURE_CLIENT_ID and AZURE_CLIENT_CERTIFICATE_PATH (--certificate)"
        }
        Auth::Workload => {
            "--auth workload needs AZURE_CLIENT_ID and another issuer's token: AZURE_FEDERATED_TOKEN_FILE, \
             ENTRAGIT_FEDERATED_TOKEN, a job of GitHub Actions with `permissions: id-token: write`, or a task of Azure Pipelines \
             with a service connection and SYSTEM_ACCESSTOKEN"
        }
        Auth::Auto | Auth::ManagedIdentity | Auth::AzureCli | Auth::Azd | Auth::DeviceCode | Auth::Browser => {
            "nothing to sign in with"
        }
    }
}
