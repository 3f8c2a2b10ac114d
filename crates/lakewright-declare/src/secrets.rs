//! The declared secrets: reads them, and tries them on the server.

use std::collections::BTreeMap;

use lakewright_core::state::{Observed, SecretChecks, SecretMatch};
use lakewright_core::{AccessKey, Error, ErrorKind, ResourceId, Result, Secret, SecretRef, Spec};

use super::observe::Lookup;
use crate::Provisioner;
use lakewright_admin::{Admin, SecretCheck};
use lakewright_client::profile::read_secret;

/// The declared secrets by access key. They are read when a plan is made, so that a missing file
/// is found before anything is changed.
pub(super) type Secrets = BTreeMap<AccessKey, Secret>;

/// The smallest number of bytes that MinIO accepts for a secret key.
const MIN_BYTES: usize = 8;

/// Reads all declared secrets.
///
/// # Errors
/// `InvalidConfig` with each secret that cannot be read.
pub(super) fn read_declared(spec: &Spec) -> Result<Secrets> {
    let users = spec
        .users
        .iter()
        .map(|(key, user)| (ResourceId::User(key.clone()), key.clone(), &user.secret));
    let accounts = spec.service_accounts.iter().map(|(name, account)| {
        (ResourceId::ServiceAccount(name.clone()), account.access_key.clone(), &account.secret)
    });
    let (mut secrets, mut failures) = (Secrets::new(), Vec::new());
    for (id, key, reference) in users.chain(accounts) {
        match read(reference) {
            Ok(secret) => {
                secrets.insert(key, secret);
            }
            Err(error) => failures.push(error.on(id.to_string())),
        }
    }
    match failures.len() {
        0 => Ok(secrets),
        1 => Err(failures.remove(0)),
        several => {
            let why = format!("{several} secrets cannot be read; the first: {}", failures[0]);
            Err(Error::new(ErrorKind::InvalidConfig, why).with_failures(failures))
        }
    }
}

/// Reads the secret of a user or service account.
///
/// # Errors
/// `InvalidConfig` when it cannot be read or is shorter than MinIO accepts.
pub(super) fn read(reference: &SecretRef) -> Result<Secret> {
    let secret = read_secret(reference)?;
    if secret.expose().len() < MIN_BYTES {
        let why = format!("the secret in {reference} has fewer than {MIN_BYTES} characters");
        return Err(Error::new(ErrorKind::InvalidConfig, why));
    }
    Ok(secret)
}

/// Tries the declared secrets of the users and service accounts that exist and are enabled, one
/// request each. MinIO refuses a disabled user before it looks at the signature.
///
/// # Errors
/// Any connection or server error.
pub(super) async fn check_secrets(
    provisioner: &Provisioner,
    spec: &Spec,
    secrets: &Secrets,
    observed: &Observed,
) -> Result<SecretChecks> {
    let admin = &provisioner.admin;
    let users =
        spec.users.keys().filter(|key| observed.users.get(*key).is_some_and(|user| user.enabled));
    let accounts = spec.service_accounts.values().map(|account| &account.access_key);
    let accounts = accounts
        .filter(|key| observed.service_accounts.get(*key).is_some_and(|account| account.enabled));
    let mut lookups: Vec<Lookup<'_, (AccessKey, SecretMatch)>> = Vec::new();
    for key in users.chain(accounts) {
        if let Some(secret) = secrets.get(key) {
            lookups.push(Box::pin(async move {
                Ok((key.clone(), check_secret(admin, key, secret).await?))
            }));
        }
    }
    Ok(provisioner.at_once(lookups).await?.into_iter().collect())
}

async fn check_secret(admin: &Admin, key: &AccessKey, secret: &Secret) -> Result<SecretMatch> {
    Ok(match admin.verify_secret(key.as_str(), secret).await? {
        SecretCheck::Matches => SecretMatch::Matches,
        SecretCheck::Differs => SecretMatch::Differs,
        // The server also does not know a service account that has expired.
        SecretCheck::Disabled | SecretCheck::Unknown => SecretMatch::NotCompared,
    })
}
