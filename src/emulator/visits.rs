//! Plays the pages on which people sign in: a code that is typed, and a browser that is sent back. Whoever comes is let in.
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code>,
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow>

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::sign_in::Refusal;
use super::tenant::Tenant;
use crate::kinds;

/// Number of seconds for which a code can be typed.
const LIFE: i64 = 900;

/// Holds the sign-ins that people have begun and not finished.
#[derive(Debug, Default)]
pub struct Visits(Mutex<Begun>);

#[derive(Debug, Default)]
struct Begun {
    /// By device code.
    devices: BTreeMap<String, Device>,
    /// By authorization code.
    browsers: BTreeMap<String, Browser>,
}

#[derive(Debug)]
struct Device {
    user_code: String,
    client: String,
    user: Option<String>,
}

#[derive(Debug)]
struct Browser {
    client: String,
    redirect: String,
    challenge: String,
    user: String,
}

impl Visits {
    fn begun(&self) -> std::sync::MutexGuard<'_, Begun> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers `devicecode`: the code to type, and the page to type it into.
    pub fn device(&self, client: &str, base: &str) -> Value {
        let code = uuid::Uuid::new_v4().simple().to_string();
        let user_code = code[..9].to_uppercase();
        let page = format!("{base}/devicelogin");
        let device = Device { user_code: user_code.clone(), client: client.to_owned(), user: None };
        self.begun().devices.insert(code.clone(), device);
        json!({
            "device_code": code, "user_code": user_code, "verification_uri": page, "expires_in": LIFE, "interval": 1,
            "message": format!("To sign in, use a web browser to open the page {page} and enter the code {user_code} to authenticate."),
        })
    }

    /// Signs `user` in to the device whose code somebody typed; returns false if there is no such code.
    pub fn enter_user_code(&self, tenant: &Tenant, user_code: &str, user: Option<&str>) -> bool {
        let user = user.map(str::to_owned).or_else(|| somebody(tenant));
        let mut begun = self.begun();
        let device = begun.devices.values_mut().find(|device| device.user_code.eq_ignore_ascii_case(user_code.trim()));
        device.is_some_and(|device| {
            device.user = user;
            true
        })
    }

    /// Returns the account that typed the code of a device.
    pub fn of_device(&self, client: &str, code: &str) -> Result<String, Refusal> {
        let mut begun = self.begun();
        let device = begun.devices.get(code).filter(|device| device.client == client);
        let device = device.ok_or_else(|| {
            Refusal::new(400, "bad_verification_code", 70_019, "Verification code is expired or not known.")
        })?;
        let said = "OAuth 2.0 device flow error. Authorization is pending. Continue polling.";
        let user = device.user.clone().ok_or_else(|| Refusal::new(400, "authorization_pending", 70_016, said))?;
        begun.devices.remove(code);
        Ok(user)
    }

    /// Answers `authorize`: the address to send the browser back to, with a code.
    pub fn browser(&self, tenant: &Tenant, query: &[(String, String)]) -> Option<String> {
        let value = |name: &str| query.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
        let redirect = value("redirect_uri")?;
        let code = uuid::Uuid::new_v4().simple().to_string();
        let browser = Browser {
            client: value("client_id")?,
            redirect: redirect.clone(),
            challenge: value("code_challenge").unwrap_or_default(),
            user: value("login_hint").or_else(|| somebody(tenant))?,
        };
        self.begun().browsers.insert(code.clone(), browser);
        Some(format!("{redirect}/?code={code}&state={}", value("state").unwrap_or_default()))
    }

    /// Returns the account that signed in in a browser. A code serves once, and only whoever asked for it.
    pub fn of_browser(&self, client: &str, code: &str, redirect: &str, verifier: &str) -> Result<String, Refusal> {
        let refused = |said: &str| Refusal::new(400, "invalid_grant", 70_008, said);
        let known = self.begun().browsers.remove(code).filter(|known| known.client == client);
        let known = known.ok_or_else(|| refused("The provided authorization code is expired or was used already."))?;
        let proof = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        if known.redirect != redirect || (!known.challenge.is_empty() && known.challenge != proof) {
            return Err(refused("The authorization code was asked for by another client."));
        }
        Ok(known.user)
    }
}

/// Returns the user principal name of an enabled account.
fn somebody(tenant: &Tenant) -> Option<String> {
    let table = tenant.store.table(kinds::by_name("user")?);
    table.live.values().map(super::store::Row::unpack).find_map(|user| {
        let enabled = user.get("accountEnabled") == Some(&Value::Bool(true));
        user.get("userPrincipalName").and_then(Value::as_str).filter(|_| enabled).map(str::to_owned)
    })
}
