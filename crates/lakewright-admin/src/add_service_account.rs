//! `add_service_account`

use http::Method;
use jiff::Timestamp;
use lakewright_core::{Error, Result, Secret};
use lakewright_macros::Builder;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Admin, ServiceAccountKeys};

/// A service account to be made.
#[derive(Clone, Debug, Default, PartialEq, Builder)]
pub struct NewServiceAccount {
    /// The user that it acts for; none for whoever asks.
    pub owner: Option<String>,
    /// Its access key; none to have both keys made by the server.
    pub access_key: Option<String>,
    /// Its secret key.
    pub secret_key: Option<Secret>,
    /// What it may do, within what its owner may; none for all of that.
    pub policy: Option<Value>,
    /// A name for people.
    pub name: Option<String>,
    /// A description for people.
    pub description: Option<String>,
    /// When it ends; none for never.
    pub expires: Option<Timestamp>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    target_user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Made {
    credentials: Keys,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Keys {
    access_key: String,
    secret_key: Secret,
}

impl Admin {
    /// Makes a service account and says its keys. They travel encrypted both ways.
    ///
    /// # Errors
    /// `AlreadyExists` where the access key is taken, `NotFound` where the owner does not exist,
    /// `InvalidInput` for one key without the other, and for keys, a policy or an end that MinIO
    /// does not take; `Denied` without `admin:CreateServiceAccount`; and whatever keeps the
    /// server from answering. It is sent once: the error says where it is not known whether the
    /// account was made.
    pub async fn add_service_account(&self, new: NewServiceAccount) -> Result<ServiceAccountKeys> {
        let resource = new.access_key.clone().or_else(|| new.owner.clone()).unwrap_or_default();
        let operation = "add_service_account";
        if new.access_key.is_some() != new.secret_key.is_some() {
            let why = "a service account is given both keys or none";
            return Err(Error::invalid_input(why).during(operation).on(resource));
        }
        let body = Wire {
            target_user: new.owner.as_deref(),
            access_key: new.access_key.as_deref(),
            secret_key: new.secret_key.as_ref().map(Secret::expose),
            policy: new.policy.as_ref(),
            name: new.name.as_deref(),
            description: new.description.as_deref(),
            expiration: new.expires,
        };
        let call = self.call(operation, resource, Method::PUT, "add-service-account");
        let answer = call.secret(&body)?.once().send().await?;
        if let (Some(access_key), Some(secret_key)) = (new.access_key, new.secret_key) {
            // The answer repeats them, encrypted: not worth 70 ms and 64 MiB.
            return Ok(ServiceAccountKeys { access_key, secret_key });
        }
        let Keys { access_key, secret_key } = answer.secret_json::<Made>().await?.credentials;
        Ok(ServiceAccountKeys { access_key, secret_key })
    }
}
