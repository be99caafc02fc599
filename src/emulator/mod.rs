//! Embeds a tenant: a Graph-compatible server in the binary, to try things on and to test against.
//!
//! Its knowledge of Graph comes from Microsoft's own metadata (`metadata/`), Microsoft's permission table (`permissions.json`)
//! and, where those are silent, from Microsoft's pages (`properties`, `operations`, `quirks`). It never depends on how the
//! project's client reads Graph: a mirror proves nothing. It is stricter than Graph: whatever it accepts, Graph accepts.

mod annotations;
mod assertion;
mod audit;
mod batch;
mod bin;
mod body;
mod caller;
mod change_log;
mod check;
mod child_keys;
mod child_shapes;
mod children;
mod clock;
mod csdl;
mod delta;
mod directory;
mod dispatch;
mod enroll;
mod error;
mod evaluate;
mod expand;
mod faults;
mod filter;
mod links;
mod list;
mod logs;
mod odata;
mod operations;
mod page;
mod permissions;
mod properties;
mod quirks;
mod read;
mod refs;
mod replies;
mod request;
mod routes;
mod schedules;
mod seed;
mod server;
mod sign_in;
mod state;
mod store;
mod tenant;
mod token;
mod visits;
mod write;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use anyhow::Context;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use faults::{Counts, Faults, Hang};
pub use seed::contoso;
use server::Shared;
use sign_in::Pins;
use tenant::Tenant;

use crate::model::{Address, Snapshot};

/// Time for which changes are collected before they are saved.
const SAVE_AFTER: Duration = Duration::from_millis(500);

/// Time for which a stop waits for requests under way.
const PATIENCE: Duration = Duration::from_secs(2);

/// Content of a new tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seed {
    /// A small company that has objects of every sort.
    Contoso,
    /// A company of that many objects, nine in ten of them people.
    Random(usize),
    /// Only the objects that every tenant has.
    Empty,
}

/// Holds the options for starting the embedded tenant.
#[derive(Debug, Clone)]
pub struct Options {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Content of the tenant at first.
    pub seed: Seed,
    /// File that the tenant is read from, if it exists, and written to whenever it changed.
    pub state: Option<PathBuf>,
    /// The only tenant id that the token endpoint knows.
    pub tenant: Option<String>,
    /// The only client id that the token endpoint knows.
    pub client: Option<String>,
    /// The only client secret that the token endpoint accepts.
    pub secret: Option<String>,
    /// The only certificate that the token endpoint accepts, in DER.
    pub certificate: Option<Vec<u8>>,
    /// Application permissions put into tokens; `None`: all that the paths served here need.
    pub roles: Option<Vec<String>>,
    /// Faults to inject.
    pub faults: Faults,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            seed: Seed::Contoso,
            state: None,
            tenant: None,
            client: None,
            secret: None,
            certificate: None,
            roles: None,
            faults: Faults::default(),
        }
    }
}

/// Represents a tenant that is being served.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    tenant_id: String,
    state: Option<PathBuf>,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    ended: watch::Receiver<bool>,
    server: JoinHandle<std::io::Result<()>>,
    saver: Option<JoinHandle<()>>,
}

/// Id of the tenant if the options name none.
const TENANT: &str = "84841066-274d-4ec0-a5c1-276be684bdd3";

/// Returns the objects of `random:COUNT` as kind and JSON, each link under its own name as a reader puts it there. They serve to
/// measure the processing of answers without a server.
pub fn random(count: usize) -> impl Iterator<Item = (&'static str, serde_json::Map<String, serde_json::Value>)> {
    seed::random(count, 1).map(|seed| {
        let mut value = seed.value;
        for (name, mut ends) in seed.links {
            let one = crate::kinds::by_name(seed.kind).and_then(|kind| kind.link(name));
            let single = one.is_some_and(|link| link.shape == crate::model::kind::LinkShape::Reference);
            let end = if single { ends.pop().unwrap_or_default() } else { ends.into() };
            value.insert(name.to_owned(), end);
        }
        (seed.kind, value)
    })
}

/// Starts serving; when this returns, the port is bound.
pub async fn start(options: Options) -> anyhow::Result<Running> {
    let tenant = open(&options)?;
    serve(options, tenant).await
}

/// Starts serving a tenant with the content of `snapshot` instead of a seed. Returns also the objects that could not be loaded,
/// with the reason.
pub async fn start_from(options: Options, snapshot: &Snapshot) -> anyhow::Result<(Running, Vec<(Address, String)>)> {
    let (mut seeds, mut left_out) = (Vec::new(), Vec::new());
    for (address, object) in &snapshot.objects {
        match seed::of_snapshot(address, object) {
            Ok(seed) => seeds.push(seed),
            Err(reason) => left_out.push((address.clone(), reason)),
        }
    }
    let id = options.tenant.clone().unwrap_or_else(|| TENANT.to_owned());
    let tenant = seed::plant(id, secret(), seeds);
    Ok((serve(options, tenant).await?, left_out))
}

/// Returns the first certificate of a PEM file, in DER.
pub fn certificate(pem: &[u8]) -> Option<Vec<u8>> {
    use rustls::pki_types::pem::PemObject as _;
    rustls::pki_types::CertificateDer::from_pem_slice(pem).ok().map(|der| der.to_vec())
}

async fn serve(options: Options, tenant: Tenant) -> anyhow::Result<Running> {
    tenant.weather.change(options.faults.clone(), users(&tenant));
    let tenant_id = tenant.id.clone();
    let listener = tokio::net::TcpListener::bind(options.listen)
        .await
        .with_context(|| format!("cannot listen on {}", options.listen))?;
    let address = listener.local_addr().context("the listener has no address")?;
    let pins = Pins {
        tenant: options.tenant,
        client: options.client,
        secret: options.secret,
        certificate: options.certificate,
        roles: options.roles,
    };
    let visits = visits::Visits::default();
    let shared = Arc::new(Shared { tenant: RwLock::new(tenant), pins, visits, dirty: AtomicBool::new(false) });
    let (stop, mut stopped) = watch::channel(false);
    let service = server::router(shared.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let (end, ended) = watch::channel(false);
    let server = tokio::spawn(async move {
        let served = axum::serve(listener, service).with_graceful_shutdown(async move {
            // An error means that the sender is gone, which counts as a stop.
            let _ = stopped.wait_for(|stop| *stop).await;
        });
        let result = served.await;
        end.send_replace(true);
        result
    });
    let saver = options.state.clone();
    let saver = saver.map(|path| tokio::spawn(save_now_and_then(shared.clone(), path, stop.subscribe())));
    Ok(Running { address, tenant_id, state: options.state, shared, stop, ended, server, saver })
}

fn open(options: &Options) -> anyhow::Result<Tenant> {
    if let Some(path) = options.state.as_deref().filter(|path| path.exists()) {
        return state::load(path);
    }
    let id = options.tenant.clone().unwrap_or_else(|| TENANT.to_owned());
    let secret = secret();
    Ok(match options.seed {
        Seed::Contoso => seed::plant(id, secret, seed::contoso()),
        Seed::Random(count) => seed::plant(id, secret, seed::random(count, 1)),
        Seed::Empty => {
            let mut tenant = seed::plant(id, secret.clone(), []);
            // Applications that Microsoft and others publish stay available.
            tenant.foreign = published(&seed::plant(String::new(), secret, seed::contoso()));
            tenant
        }
    })
}

/// Returns the applications of other tenants that a tenant has service principals of.
fn published(tenant: &Tenant) -> BTreeMap<String, store::Properties> {
    let Some(kind) = crate::kinds::by_name("servicePrincipal") else { return BTreeMap::new() };
    let text = |object: &store::Properties, name: &str| {
        object.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    };
    let all = tenant.store.table(kind).live.keys().filter_map(|key| tenant.store.table(kind).get(&key.id));
    let own = ["", tenant.id.as_str()];
    all.filter(|object| !own.contains(&text(object, "appOwnerOrganizationId").as_str()))
        .map(|object| (text(&object, "appId"), object))
        .collect()
}

fn secret() -> String {
    format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
}

fn users(tenant: &Tenant) -> usize {
    crate::kinds::by_name("user").map_or(0, |kind| tenant.store.table(kind).live.len())
}

/// Saves changes from time to time, until the server is stopped or dropped.
async fn save_now_and_then(shared: Arc<Shared>, path: PathBuf, mut stopped: watch::Receiver<bool>) {
    while tokio::time::timeout(SAVE_AFTER, stopped.wait_for(|stop| *stop)).await.is_err() {
        // A failed save is tried again; the last one, at stop, is reported.
        let _ = save_if_changed(&shared, &path);
    }
}

fn save_if_changed(shared: &Shared, path: &Path) -> anyhow::Result<()> {
    if !shared.dirty.swap(false, Ordering::Relaxed) && path.exists() {
        return Ok(());
    }
    let tenant = shared.tenant.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    state::save(&tenant, path).inspect_err(|_| shared.dirty.store(true, Ordering::Relaxed))
}

impl Running {
    /// Returns the base URL: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the tenant's id.
    pub fn tenant_id(&self) -> &str {
        &self.tenant_id
    }

    /// Replaces the faults: writes are counted from zero again, and without a lag every replica has all writes.
    pub fn set_faults(&self, faults: Faults) {
        let mut tenant = self.shared.tenant.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if faults.lag.is_zero() {
            tenant.replicas = faults::Replicas::default();
        }
        tenant.weather.change(faults, users(&tenant));
    }

    /// Waits until a server with the `hang` fault has stopped answering.
    pub async fn hung(&self) {
        let mut hung = {
            let tenant = self.shared.tenant.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            tenant.weather.hangs()
        };
        // An error means that the tenant is gone.
        let _ = hung.wait_for(|hung| *hung).await;
    }

    /// Returns the counts since the faults were set.
    pub fn counts(&self) -> Counts {
        self.shared.tenant.read().unwrap_or_else(std::sync::PoisonError::into_inner).weather.counts()
    }

    /// Returns how often each refusal that passes by itself occurred since the faults were set.
    pub fn refusals(&self) -> BTreeMap<&'static str, u64> {
        self.shared.tenant.read().unwrap_or_else(std::sync::PoisonError::into_inner).weather.refusals()
    }

    /// Writes the tenant to a file that `state` takes later, as a whole or not at all.
    pub fn save(&self, path: &Path) -> anyhow::Result<()> {
        let tenant = self.shared.tenant.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        state::save(&tenant, path)
    }

    /// Empties every recycle bin, as the service does after 30 days. Returns the number of objects that were in them.
    pub fn empty_bins(&self) -> usize {
        let mut tenant = self.shared.tenant.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        bin::empty(&mut tenant)
    }

    /// Gives the first application, and the first service principal that has an application, a client secret and a certificate
    /// more, as an intruder does to come back later. Returns the number of credentials added.
    pub fn add_credentials(&self) -> usize {
        let mut tenant = self.shared.tenant.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        quirks::add_credentials(&mut tenant)
    }

    /// Waits until the server ends by itself; [`Running::stop`] returns how it ended.
    pub async fn wait(&self) {
        // An error means that the server is gone, which is what is waited for.
        let _ = self.ended.clone().wait_for(|ended| *ended).await;
    }

    /// Stops serving and saves.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.stop.send_replace(true);
        // A connection that stays open is answered, then cut off.
        let ended = tokio::time::timeout(PATIENCE, &mut self.server).await;
        if ended.is_err() {
            self.server.abort();
        }
        if let Some(saver) = &self.saver {
            saver.abort();
        }
        if let Some(path) = &self.state {
            save_if_changed(&self.shared, path)?;
        }
        match ended {
            Ok(Ok(result)) => result.context("the embedded tenant ended"),
            Ok(Err(error)) => Err(error).context("the embedded tenant ended"),
            Err(_) => Ok(()),
        }
    }
}
