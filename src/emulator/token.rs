//! Serves the token endpoint, and finds the owner of a bearer token.
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>,
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth-ropc>

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::assertion;
use super::caller::Caller;
use super::enroll::made_up;
use super::error::Fault;
use super::permissions;
use super::routes::Pick;
use super::sign_in::{Pins, Refusal};
use super::tenant::Tenant;
use super::visits::Visits;
use crate::kinds;

/// Lifetime of a token in seconds.
const LIFETIME: i64 = 3599;

/// Template id of Global Administrator.
const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";

/// Answers a token request.
pub fn issue(
    tenant: &Tenant,
    pins: &Pins,
    visits: &Visits,
    authority: &str,
    form: &[(String, String)],
) -> Result<Value, Refusal> {
    let request = TokenRequest { tenant, pins, visits, authority, form };
    request.check()?;
    Ok(request.grant(&request.claims()?))
}

/// Grant type of the device code flow.
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Represents a token request, and what it is answered from.
struct TokenRequest<'a> {
    tenant: &'a Tenant,
    pins: &'a Pins,
    visits: &'a Visits,
    authority: &'a str,
    form: &'a [(String, String)],
}

impl<'a> TokenRequest<'a> {
    /// Returns a field of the form; empty if it is missing.
    fn field(&self, name: &str) -> &'a str {
        self.form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// Returns true if the request redeems a device code, which needs no scope: that was given with the code.
    fn is_by_code(&self) -> bool {
        self.field("grant_type") == DEVICE_CODE
    }

    /// Checks the tenant, the client and the scope.
    fn check(&self) -> Result<(), Refusal> {
        let TokenRequest { tenant, pins, authority, .. } = self;
        if pins.tenant.as_deref().is_some_and(|pin| !pin.eq_ignore_ascii_case(authority)) {
            let said = format!(
                "Tenant '{authority}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud."
            );
            return Err(Refusal::new(400, "invalid_request", 90_002, said));
        }
        let client = self.field("client_id");
        if client.is_empty() {
            return Err(lacking("client_id"));
        }
        if pins.client.as_deref().is_some_and(|pin| pin != client) {
            let said =
                format!("Application with identifier '{client}' was not found in the directory '{}'.", tenant.name);
            return Err(Refusal::new(400, "unauthorized_client", 700_016, said));
        }
        if self.field("scope").is_empty() && !self.is_by_code() {
            return Err(lacking("scope"));
        }
        Ok(())
    }

    /// Returns the claims of the token, after checking what the grant type asks for.
    fn claims(&self) -> Result<Value, Refusal> {
        let (tenant, client) = (self.tenant, self.field("client_id"));
        let mut claims = json!({
            "aud": "https://graph.microsoft.com", "iss": format!("https://sts.windows.net/{}/", tenant.id), "tid": tenant.id,
            "iat": tenant.clock.now().as_second(), "nbf": tenant.clock.now().as_second(),
            "exp": tenant.clock.now().as_second() + LIFETIME, "appid": client, "ver": "1.0", "xms_tcdt": 1_551_431_730,
        });
        match self.field("grant_type") {
            "client_credentials" => self.by_client_credentials(&mut claims)?,
            "password" => self.by_password(&mut claims)?,
            DEVICE_CODE => {
                person(tenant, &self.visits.of_device(client, self.field("device_code"))?, &mut claims)?;
            }
            "authorization_code" => {
                let (code, redirect) = (self.field("code"), self.field("redirect_uri"));
                let upn = self.visits.of_browser(client, code, redirect, self.field("code_verifier"))?;
                person(tenant, &upn, &mut claims)?;
            }
            "refresh_token" => self.by_refresh_token(&mut claims)?,
            "" => return Err(lacking("grant_type")),
            other => {
                let said = format!("The app requested an unsupported grant type '{other}'.");
                return Err(Refusal::new(400, "unsupported_grant_type", 70_003, said));
            }
        }
        Ok(claims)
    }

    /// Puts an application that signs in by itself into the claims.
    fn by_client_credentials(&self, claims: &mut Value) -> Result<(), Refusal> {
        let TokenRequest { tenant, pins, authority, .. } = self;
        let (scope, client) = (self.field("scope"), self.field("client_id"));
        if !scope.ends_with("/.default") {
            let said = format!(
                "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI)."
            );
            return Err(Refusal::new(400, "invalid_scope", 1_002_012, said));
        }
        credentials(tenant, pins, authority, client, |name| self.field(name))?;
        let (principal, name) =
            tenant.known_app(client).unwrap_or_else(|| (made_up(&client.to_lowercase()), "Entragit".to_owned()));
        claims["oid"] = principal.clone().into();
        claims["sub"] = principal.into();
        claims["app_displayname"] = name.into();
        claims["idtyp"] = "app".into();
        // Who has every permission has the directory roles as well that some objects ask for.
        // <https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>, `wids`
        claims["wids"] = if pins.roles.is_none() { json!([GLOBAL_ADMINISTRATOR]) } else { json!([]) };
        claims["roles"] = pins.roles.clone().unwrap_or_else(permissions::every).into();
        Ok(())
    }

    /// Puts a person who signs in with a password into the claims.
    fn by_password(&self, claims: &mut Value) -> Result<(), Refusal> {
        let TokenRequest { tenant, pins, .. } = self;
        let name = self.field("username");
        let missing = || absent(tenant, name);
        let kind = kinds::by_name("user").ok_or_else(missing)?;
        tenant.find(kind, &Pick::Id(name.to_owned())).map_err(|_| missing())?;
        let given = self.field("client_secret");
        let wrong = pins.secret.as_deref().is_some_and(|pin| !given.is_empty() && pin != given);
        if self.field("password").is_empty() || wrong {
            let said = "Error validating credentials due to invalid username or password.";
            return Err(Refusal::new(400, "invalid_grant", 50_126, said));
        }
        person(tenant, name, claims)
    }

    /// Puts the person into the claims to whom a refresh token was given.
    fn by_refresh_token(&self, claims: &mut Value) -> Result<(), Refusal> {
        let invalid =
            || Refusal::new(400, "invalid_grant", 70_000, "The provided value for 'refresh_token' is not valid.");
        let (text, seal) = self.field("refresh_token").rsplit_once('.').ok_or_else(invalid)?;
        let known = (seal == signature(&self.tenant.secret, text)).then(|| text.split_once('.')).flatten();
        let known = known.and_then(|(_, payload)| URL_SAFE_NO_PAD.decode(payload).ok());
        let known: Value = known.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(invalid)?;
        let own = known["appid"] == self.field("client_id");
        let user = known["refresh"].as_str().filter(|_| own).ok_or_else(invalid)?;
        person(self.tenant, user, claims)
    }

    /// Returns the answer with the token, and with a refresh token for a person who may go on without signing in.
    fn grant(&self, claims: &Value) -> Value {
        let secret = &self.tenant.secret;
        let mut granted = json!({
            "token_type": "Bearer", "expires_in": LIFETIME, "ext_expires_in": LIFETIME,
            "access_token": sign(secret, claims),
        });
        let offline = self.is_by_code() || self.field("scope").split(' ').any(|scope| scope == "offline_access");
        if let Some(upn) = claims["upn"].as_str().filter(|_| offline) {
            granted["refresh_token"] = sign(secret, &json!({"refresh": upn, "appid": self.field("client_id")})).into();
        }
        granted
    }
}

/// Returns the refusal of a request without a parameter.
fn lacking(parameter: &str) -> Refusal {
    let said = format!("The request body must contain the following parameter: '{parameter}'.");
    Refusal::new(400, "invalid_request", 900_144, said)
}

fn absent(tenant: &Tenant, user: &str) -> Refusal {
    let said = format!("The user account {user} does not exist in the {} directory.", tenant.id);
    Refusal::new(400, "invalid_grant", 50_034, said)
}

/// Puts a person's account into the claims of a token.
fn person(tenant: &Tenant, name: &str, claims: &mut Value) -> Result<(), Refusal> {
    let kind = kinds::by_name("user").ok_or_else(|| absent(tenant, name))?;
    let (key, user) = tenant.find(kind, &Pick::Id(name.to_owned())).map_err(|_| absent(tenant, name))?;
    if user.get("accountEnabled") == Some(&Value::Bool(false)) {
        return Err(Refusal::new(400, "invalid_grant", 50_057, "The user account is disabled."));
    }
    claims["oid"] = key.id.as_ref().into();
    claims["sub"] = key.id.as_ref().into();
    claims["upn"] = user.get("userPrincipalName").cloned().unwrap_or_default();
    claims["name"] = user.get("displayName").cloned().unwrap_or_default();
    claims["idtyp"] = "user".into();
    claims["scp"] = "Directory.AccessAsUser.All Directory.ReadWrite.All".into();
    Ok(())
}

fn credentials<'a>(
    tenant: &Tenant,
    pins: &Pins,
    authority: &str,
    client: &str,
    field: impl Fn(&str) -> &'a str,
) -> Result<(), Refusal> {
    let (secret, assertion) = (field("client_secret"), field("client_assertion"));
    if secret.is_empty() && assertion.is_empty() {
        return Err(Refusal::new(
            401,
            "invalid_client",
            7_000_216,
            "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
        ));
    }
    if !assertion.is_empty() {
        return match field("client_assertion_type") == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
            true => assertion::judge(tenant, pins, authority, client, assertion),
            false => Err(Refusal::new(401, "invalid_client", 50_027, "JWT token is invalid or malformed.")),
        };
    }
    match pins.secret.as_deref() {
        Some(pin) if pin != secret => Err(Refusal::new(
            401,
            "invalid_client",
            7_000_215,
            format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{client}'."
            ),
        )),
        _ => Ok(()),
    }
}

fn sign(secret: &str, claims: &Value) -> String {
    let header = URL_SAFE_NO_PAD.encode(json!({"typ": "JWT", "alg": "HS256", "kid": "embedded"}).to_string());
    let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
    let text = format!("{header}.{payload}");
    let signature = signature(secret, &text);
    format!("{text}.{signature}")
}

fn signature(secret: &str, text: &str) -> String {
    // The text is hashed twice, so that nobody can extend a token.
    let inner = Sha256::new().chain_update(secret).chain_update(text).finalize();
    URL_SAFE_NO_PAD.encode(Sha256::new().chain_update(secret).chain_update(inner).finalize())
}

/// Returns the caller that the `Authorization` header names.
pub fn caller(tenant: &Tenant, header: Option<&str>, ip: &str) -> Result<Caller, Fault> {
    let refuse = |text: &str| Fault::new(401, "InvalidAuthenticationToken", text.to_owned());
    let header = header.ok_or_else(|| refuse("Access token is empty."))?;
    let token = header
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    let token = token.filter(|token| !token.is_empty()).ok_or_else(|| refuse("Access token is empty."))?;
    let (text, seal) =
        token.rsplit_once('.').ok_or_else(|| refuse("IDX14100: JWT is not well formed, there are no dots (.)."))?;
    if seal != signature(&tenant.secret, text) {
        return Err(refuse("Access token validation failure. Invalid signature."));
    }
    let claims: Value = text
        .split_once('.')
        .and_then(|(_, payload)| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok())
        .ok_or_else(|| refuse("Access token validation failure."))?;
    if claims["exp"].as_i64().unwrap_or_default() <= tenant.clock.now().as_second() {
        return Err(refuse("Lifetime validation failed, the token is expired."));
    }
    let claim = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
    let words = |name: &str| {
        let list = claims[name].as_array().into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    Ok(match claims["idtyp"].as_str() {
        Some("user") => Caller::User { id: claim("oid"), name: claim("name"), upn: claim("upn"), ip: ip.to_owned() },
        _ => Caller::App {
            app_id: claim("appid"),
            principal: claim("oid"),
            name: claim("app_displayname"),
            roles: words("roles"),
            directory_roles: words("wids"),
        },
    })
}

/// Answers `/{tenant}/v2.0/.well-known/openid-configuration`
pub fn discovery(tenant: &str, base: &str) -> Value {
    json!({
        "token_endpoint": format!("{base}/{tenant}/oauth2/v2.0/token"),
        "authorization_endpoint": format!("{base}/{tenant}/oauth2/v2.0/authorize"),
        "device_authorization_endpoint": format!("{base}/{tenant}/oauth2/v2.0/devicecode"),
        "issuer": format!("{base}/{tenant}/v2.0"),
        "jwks_uri": format!("{base}/{tenant}/discovery/v2.0/keys"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "response_types_supported": ["code", "token"], "tenant_region_scope": "NA",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_signed_and_expire() {
        let tenant = Tenant::new("t".into(), "s".into());
        let form =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>();
        let good = form(&[
            ("grant_type", "client_credentials"),
            ("client_id", "c"),
            ("client_secret", "x"),
            ("scope", "https://graph.microsoft.com/.default"),
        ]);
        let token = issue(&tenant, &Pins::default(), &Visits::default(), "t", &good).expect("token");
        let header = format!("Bearer {}", token["access_token"].as_str().expect("text"));
        assert!(matches!(caller(&tenant, Some(&header), ""), Ok(Caller::App { app_id, .. }) if app_id == "c"));
        assert!(caller(&tenant, Some(&format!("{header}x")), "").is_err());
        let pins = Pins { secret: Some("y".into()), ..Pins::default() };
        assert_eq!(issue(&tenant, &pins, &Visits::default(), "t", &good).expect_err("refused").number, 7_000_215);
        let mut later = tenant;
        later.clock = super::super::clock::Clock::ahead(jiff::SignedDuration::from_hours(2));
        assert!(caller(&later, Some(&header), "").is_err());
    }
}
