//! Defines the ways to sign in.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::certificate::Certificate;
use super::claims::Claims;
use crate::model::Secret;

/// Represents the ways to sign in.
#[derive(Debug, Clone)]
pub enum Credential {
    /// Sign-in as an application, with a secret.
    ClientSecret {
        /// Application id.
        client_id: String,
        /// The secret.
        client_secret: Secret<String>,
    },
    /// Sign-in as an application, with a certificate.
    Certificate {
        /// Application id.
        client_id: String,
        /// Certificate with its private key.
        certificate: Certificate,
        /// True if the certificate and its chain are sent (`x5c`), for applications that trust a subject and an issuer.
        send_chain: bool,
    },
    /// Sign-in as an application that trusts the tokens of another issuer (workload identity federation).
    Federated {
        /// Application id.
        client_id: String,
        /// Source of the other issuer's token.
        assertion: Assertion,
    },
    /// Sign-in as the managed identity of an Azure resource.
    ManagedIdentity {
        /// Client id of a user-assigned identity; `None` for the resource's own.
        client_id: Option<String>,
        /// Endpoint that hands out its tokens.
        host: IdentityHost,
    },
    /// Sign-in with the account of the Azure CLI.
    AzureCli,
    /// Sign-in with the account of the Azure Developer CLI.
    AzureDeveloperCli,
    /// Sign-in as a person (delegated), with a code that is typed in a browser on any device.
    DeviceCode {
        /// Application id of a public client.
        client_id: String,
        /// Permissions that are asked for; empty for those that the application is registered with.
        permissions: Vec<&'static str>,
    },
    /// Sign-in as a person (delegated), in a browser on this machine.
    Browser {
        /// Application id of a public client.
        client_id: String,
        /// Permissions that are asked for; empty for those that the application is registered with.
        permissions: Vec<&'static str>,
    },
    /// Sign-in as a person (delegated), with a password.
    Password {
        /// Application id.
        client_id: String,
        /// User principal name.
        username: String,
        /// The password.
        password: Secret<String>,
    },
    /// A token that someone else fetched.
    Token(Secret<String>),
    /// The first of several ways that gives a token.
    FirstOf(Vec<Credential>),
}

/// Lists the sources of another issuer's token.
#[derive(Debug, Clone)]
pub enum Assertion {
    /// A file that is written anew before its token runs out. Kubernetes, and `id_tokens` of GitLab that were saved.
    File(PathBuf),
    /// The token itself, which lasts minutes.
    Text(Secret<String>),
    /// GitHub Actions.
    GitHub {
        /// Endpoint (`ACTIONS_ID_TOKEN_REQUEST_URL`).
        url: String,
        /// Token for it (`ACTIONS_ID_TOKEN_REQUEST_TOKEN`).
        token: Secret<String>,
    },
    /// A service connection of Azure Pipelines.
    AzurePipelines {
        /// Endpoint (`SYSTEM_OIDCREQUESTURI`).
        url: String,
        /// Token for it (`SYSTEM_ACCESSTOKEN`).
        token: Secret<String>,
        /// Id of the service connection.
        connection: String,
    },
}

/// Lists the endpoints that hand out the tokens of managed identities.
#[derive(Debug, Clone)]
pub enum IdentityHost {
    /// A virtual machine, a container group or a Kubernetes node: `http://169.254.169.254`.
    Imds {
        /// Address without a path.
        url: String,
    },
    /// App Service, Functions, Container Apps.
    AppService {
        /// Endpoint (`IDENTITY_ENDPOINT`).
        url: String,
        /// Value of the header `X-IDENTITY-HEADER` (`IDENTITY_HEADER`).
        header: Secret<String>,
    },
    /// A server that Azure Arc manages: it proves that it may read a local file.
    Arc {
        /// Endpoint (`IDENTITY_ENDPOINT`).
        url: String,
    },
}

impl Credential {
    /// Returns the ids by which the tenant knows the signed-in identity, in lower case, as far as they are known without a
    /// token.
    pub fn identities(&self) -> BTreeSet<String> {
        match self {
            Credential::ClientSecret { client_id, .. }
            | Credential::Certificate { client_id, .. }
            | Credential::Federated { client_id, .. }
            | Credential::Password { client_id, .. } => {
                [client_id.to_lowercase()].into_iter().filter(|id| !id.is_empty()).collect()
            }
            Credential::ManagedIdentity { client_id, .. } => client_id.iter().map(|id| id.to_lowercase()).collect(),
            Credential::Token(token) => Claims::of(token.expose()).unwrap_or_default().identities(),
            Credential::AzureCli
            | Credential::AzureDeveloperCli
            | Credential::DeviceCode { .. }
            | Credential::Browser { .. }
            | Credential::FirstOf(_) => BTreeSet::new(),
        }
    }

    /// Returns true if somebody set this way up here: if it fails, another identity must not take its place unnoticed.
    pub(super) fn is_configured(&self) -> bool {
        match self {
            Credential::ManagedIdentity { host, .. } => !matches!(host, IdentityHost::Imds { .. }),
            Credential::AzureCli | Credential::AzureDeveloperCli | Credential::FirstOf(_) => false,
            _ => true,
        }
    }

    /// Returns the name of the way, for people: "the client secret of application X".
    pub fn title(&self) -> String {
        match self {
            Credential::ClientSecret { client_id, .. } => format!("the client secret of application {client_id}"),
            Credential::Certificate { client_id, .. } => format!("the certificate of application {client_id}"),
            Credential::Federated { client_id, assertion } => {
                format!("a token of {} for application {client_id}", assertion.issuer())
            }
            Credential::ManagedIdentity { client_id: None, host } => {
                format!("the managed identity of {}", host.title())
            }
            Credential::ManagedIdentity { client_id: Some(id), host } => {
                format!("the managed identity {id} of {}", host.title())
            }
            Credential::AzureCli => "the account of the Azure CLI (az)".to_owned(),
            Credential::AzureDeveloperCli => "the account of the Azure Developer CLI (azd)".to_owned(),
            Credential::DeviceCode { .. } => "a device code".to_owned(),
            Credential::Browser { .. } => "the browser".to_owned(),
            Credential::Password { username, .. } => format!("the password of {username}"),
            Credential::Token(_) => "the token that was given".to_owned(),
            Credential::FirstOf(all) => all.iter().map(Credential::title).collect::<Vec<_>>().join(", or "),
        }
    }

    /// Returns the secrets that no text of a reply may repeat.
    pub(in crate::graph) fn secrets(&self) -> Vec<&str> {
        match self {
            Credential::ClientSecret { client_secret: secret, .. }
            | Credential::Token(secret)
            | Credential::Password { password: secret, .. } => vec![secret.expose()],
            Credential::Federated { assertion, .. } => match assertion {
                Assertion::File(_) => Vec::new(),
                Assertion::Text(token) | Assertion::GitHub { token, .. } | Assertion::AzurePipelines { token, .. } => {
                    vec![token.expose()]
                }
            },
            Credential::ManagedIdentity { host: IdentityHost::AppService { header, .. }, .. } => {
                vec![header.expose()]
            }
            Credential::FirstOf(all) => all.iter().flat_map(Credential::secrets).collect(),
            Credential::Certificate { .. }
            | Credential::ManagedIdentity { .. }
            | Credential::AzureCli
            | Credential::AzureDeveloperCli
            | Credential::DeviceCode { .. }
            | Credential::Browser { .. } => Vec::new(),
        }
    }
}

impl Assertion {
    /// Returns the issuer of the token, for people.
    pub fn issuer(&self) -> String {
        match self {
            Assertion::File(path) => format!("the file {}", path.display()),
            Assertion::Text(_) => "another issuer".to_owned(),
            Assertion::GitHub { .. } => "GitHub Actions".to_owned(),
            Assertion::AzurePipelines { .. } => "Azure Pipelines".to_owned(),
        }
    }
}

impl IdentityHost {
    /// Returns the host, for people.
    pub fn title(&self) -> &'static str {
        match self {
            IdentityHost::Imds { .. } => "this virtual machine",
            IdentityHost::AppService { .. } => "this App Service",
            IdentityHost::Arc { .. } => "this Azure Arc server",
        }
    }
}
