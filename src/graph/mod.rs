//! Reads and writes the tenant behind Microsoft Graph: the only place that sends HTTP requests to it.
//!
//! Three layers each hide one thing from the next. `auth` and `http` turn a request into an answer or a [`TenantError`]: tokens,
//! throttling, lost answers and deadlines end there. `page` and `batch` turn answers into lists. `read`, `links`, `delta`,
//! `audit` and `write` deal with kinds and know nothing of status codes. Graph's names and paths are in [`Kind`]; nothing here
//! depends on one kind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::model::{AuditEvent, Events, Kind, Write, Written};
use crate::tenant::{Changes, Listing, Pages, Raw, RawObject, TenantError, TenantRead, TenantWrite};

mod audit;
mod auth;
mod batch;
mod borrow;
mod clock;
mod delta;
mod each;
mod fault;
mod http;
mod links;
mod object;
mod pace;
mod page;
mod passing;
mod query;
mod read;
mod request;
mod retry;
mod secrets;
mod tally;
mod transport;
mod urls;
mod whole;
mod write;

#[cfg(test)]
mod tests;

pub use auth::{Assertion, Certificate, Claims, Credential, IdentityHost};

/// Time for one request with its repetitions, unless a caller has less. Entitlement management asks clients to wait for up to
/// 315 seconds.
pub const DEADLINE: Duration = Duration::from_secs(600);

/// Holds the settings for reaching a tenant.
#[derive(Debug, Clone)]
pub struct Config {
    /// URL of Graph: `https://graph.microsoft.com`, or another cloud's. Plain http only for this machine.
    pub graph_url: String,
    /// URL of the sign-in: `https://login.microsoftonline.com`, or another cloud's. Plain http only for this machine.
    pub authority_url: String,
    /// The tenant's id or one of its domains.
    pub tenant: String,
    /// Credential of the sign-in.
    pub credential: Credential,
    /// Number of requests at the same time; 1 to 256.
    pub concurrency: usize,
    /// Time for one request with its repetitions, and for a write to a new object until it is known everywhere.
    pub deadline: Duration,
}

/// Represents a tenant behind Microsoft Graph. Clones share tokens, connections and limits.
#[derive(Clone)]
pub struct GraphTenant {
    http: Arc<http::Http>,
    recent: Arc<passing::Recent>,
    filters: Arc<BTreeMap<&'static str, String>>,
}

impl GraphTenant {
    /// Checks the configuration. Nothing is sent: the first request signs in.
    pub fn connect(config: Config, events: Events) -> Result<Self, TenantError> {
        let graph = urls::Base::parse(&config.graph_url, "Graph URL")?;
        let authority = urls::Base::parse(&config.authority_url, "authority URL")?;
        let given = matches!(config.credential, Credential::Token(_));
        if !given && (config.tenant.is_empty() || config.tenant.contains(['/', '\\'])) {
            let message = format!("{:?} is no tenant id or domain", config.tenant);
            return Err(TenantError::SignIn { request: "tenant".to_owned(), message });
        }
        // The transports are chosen host by host: a proxy for the sign-in must not get the token that is meant for this machine.
        let (to_graph, to_authority) = (Transport::to(&graph), Transport::to(&authority));
        let client = client(to_graph, config.concurrency)?;
        let sign_in =
            if to_authority == to_graph { client.clone() } else { self::client(to_authority, config.concurrency)? };
        let auth = auth::Auth::new(
            sign_in,
            &authority,
            &graph,
            &config.tenant,
            config.credential,
            config.deadline,
            events.clone(),
        )?;
        let http = http::Http::new(client, graph, auth, config.concurrency, config.deadline, events);
        Ok(GraphTenant { http: Arc::new(http), recent: Arc::default(), filters: Arc::default() })
    }

    /// Returns the ids of the signed-in identity that are known without a request: none for managed identities and the accounts
    /// of command-line tools.
    pub fn known_identities(&self) -> BTreeSet<String> {
        self.http.auth.identities()
    }

    /// Signs in, unless that is done, and returns who is signed in.
    ///
    /// # Errors
    /// If the sign-in is refused or not available.
    pub async fn sign_in(&self) -> Result<SignedIn, TenantError> {
        let token = self.http.auth.bearer().await?;
        let claims = token.header.to_str().ok().and_then(Claims::of);
        let mut identities = self.http.auth.identities();
        identities.extend(claims.iter().flat_map(Claims::identities));
        Ok(SignedIn { way: self.http.auth.way(), claims, identities })
    }

    /// Returns how many seconds this machine's clock is ahead of Graph's; negative if it is behind.
    ///
    /// # Errors
    /// If Graph does not answer, or sends no date.
    pub async fn clock(&self) -> Result<i64, TenantError> {
        clock::ahead(&self.http).await
    }

    /// Returns the same tenant, with filters for the lists of the named kinds.
    #[must_use]
    pub fn filtered(self, filters: BTreeMap<&'static str, String>) -> Self {
        GraphTenant { filters: Arc::new(filters), ..self }
    }
}

/// Describes a sign-in that succeeded.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Way that gave the token, for people.
    pub way: String,
    /// Claims of the token; `None` if it is opaque.
    pub claims: Option<Claims>,
    /// Ids by which the tenant knows the signed-in identity, in lower case.
    pub identities: BTreeSet<String>,
}

/// Advice for a system that trusts no certificate authority: mostly a container image without them.
const NO_CERTIFICATES: &str = "if this machine has no certificate authorities, install the package `ca-certificates` or let \
                               SSL_CERT_FILE name a file of them";

/// Describes how a host is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Transport {
    /// True if the host is this machine: no proxy is used.
    local: bool,
    /// True if nothing is encrypted: no certificate is checked, and the machine may trust none.
    plain: bool,
}

impl Transport {
    fn to(base: &urls::Base) -> Self {
        Transport { local: base.is_local(), plain: base.is_plain() }
    }
}

fn client(transport: Transport, concurrency: usize) -> Result<reqwest::Client, TenantError> {
    // The provider is set once for the process. If another part of the program was first, its provider is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("entragit/", env!("CARGO_PKG_VERSION")))
        // A token is meant for one host, so it is not sent to the target of a redirect.
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(20))
        .pool_max_idle_per_host(concurrency.clamp(1, 256))
        .tcp_nodelay(true);
    if transport.local {
        builder = builder.no_proxy();
    }
    if transport.plain {
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|error| TenantError::Unavailable {
        request: "HTTP client".to_owned(),
        message: format!("{}; {NO_CERTIFICATES}", transport::why(&error)),
    })
}

impl std::fmt::Debug for GraphTenant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GraphTenant({})", self.http.base.text())
    }
}

impl TenantRead for GraphTenant {
    async fn tenant_id(&self) -> Result<String, TenantError> {
        read::tenant_id(&self.http).await
    }

    async fn list(&self, kind: &'static Kind, pages: Pages) -> Listing {
        read::list(Arc::clone(&self.http), kind, self.filters.get(kind.name).cloned(), pages).await
    }

    async fn count(&self, kind: &'static Kind) -> Result<usize, TenantError> {
        read::count(&self.http, kind).await
    }

    async fn get(&self, kind: &'static Kind, id: &str) -> Result<Option<RawObject>, TenantError> {
        read::get(Arc::clone(&self.http), kind, id).await
    }

    async fn changes(&self, kind: &'static Kind, token: Option<&str>) -> Result<Changes, TenantError> {
        delta::changes(&self.http, kind, token).await
    }

    async fn deleted(&self, kind: &'static Kind) -> Result<Vec<Raw>, TenantError> {
        read::deleted(&self.http, kind).await
    }

    async fn audit(&self, since: Option<&str>) -> Result<Vec<AuditEvent>, TenantError> {
        audit::read(&self.http, since).await
    }
}

impl TenantWrite for GraphTenant {
    async fn write(&self, write: &Write) -> Result<Written, TenantError> {
        write::write(&self.http, &self.recent, write).await
    }
}
