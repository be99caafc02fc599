//! Arguments for signing in.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Holds the way to sign in, and the place.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Sign-in")]
pub struct SignIn {
    /// Way to sign in. `auto` takes the first that the environment has: a ready token, a client secret, a certificate, workload
    /// identity federation (`AZURE_FEDERATED_TOKEN_FILE`, GitHub Actions, Azure Pipelines), a managed identity, the Azure CLI,
    /// the Azure Developer CLI.
    #[arg(long, env = "ENTRAGIT_AUTH", value_enum, value_name = "WAY", default_value = "auto", hide_env_values = true)]
    pub auth: Auth,
    /// Application (client) id; for a managed identity the id of a user-assigned one.
    #[arg(long, env = "AZURE_CLIENT_ID", value_name = "ID", hide_env_values = true)]
    pub client_id: Option<String>,
    /// Client secret; better given by the environment than here.
    #[arg(long, env = "AZURE_CLIENT_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub client_secret: Option<String>,
    /// File with a certificate and its private key: PEM, or PFX with its password in `AZURE_CLIENT_CERTIFICATE_PASSWORD`.
    #[arg(long, env = "AZURE_CLIENT_CERTIFICATE_PATH", value_name = "FILE", hide_env_values = true)]
    pub certificate: Option<PathBuf>,
    /// File with the token of an issuer that the application trusts.
    #[arg(long, env = "AZURE_FEDERATED_TOKEN_FILE", value_name = "FILE", hide_env_values = true)]
    pub federated_token_file: Option<PathBuf>,
    /// A ready bearer token.
    #[arg(long, env = "ENTRAGIT_ACCESS_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub access_token: Option<String>,
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
pub enum Auth {
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
