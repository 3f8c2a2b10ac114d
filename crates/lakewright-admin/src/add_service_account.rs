//! `add_service_account`

use http::Method;
use jiff::Timestamp;
use lakewright_core::{Error, Result, Secret};
use lakewright_macros::Builder;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Admin, ServiceAccountCredentials};

/// The parameters of a new service account.
#[derive(Clone, Debug, Default, PartialEq, Builder)]
#[non_exhaustive]
pub struct NewServiceAccount {
    /// The user on whose behalf the account acts; `None` for the user of this connection.
    #[builder(into)]
    pub owner: Option<String>,
    /// The access key; `None` to have the server generate both keys.
    #[builder(into)]
    pub access_key: Option<String>,
    /// The secret key.
    pub secret_key: Option<Secret>,
    /// The policy, which restricts the account within the permissions of its owner; `None` for all
    /// permissions of the owner.
    pub policy: Option<Value>,
    /// A name for display.
    #[builder(into)]
    pub name: Option<String>,
    /// A description for display.
    #[builder(into)]
    pub description: Option<String>,
    /// The time at which the account expires; `None` for never.
    pub expires: Option<Timestamp>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestBody<'a> {
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
struct ResponseBody {
    credentials: CredentialsBody,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CredentialsBody {
    access_key: String,
    secret_key: Secret,
}

impl Admin {
    /// Creates a service account and returns its credentials, which are encrypted in the request
    /// and in the response.
    ///
    /// # Errors
    /// `AlreadyExists` if the access key is in use, `NotFound` if the owner does not exist,
    /// `InvalidInput` for one key without the other, and for credentials, a policy or an expiry
    /// that MinIO does not accept; `Denied` without `admin:CreateServiceAccount`; and any
    /// connection or server error. The request is not retried once it may have been carried out:
    /// the outcome of the error is then unknown.
    pub async fn add_service_account(
        &self,
        new: NewServiceAccount,
    ) -> Result<ServiceAccountCredentials> {
        let resource = new.access_key.clone().or_else(|| new.owner.clone()).unwrap_or_default();
        let operation = "add_service_account";
        if new.access_key.is_some() != new.secret_key.is_some() {
            let why = "a service account is given both keys or none";
            return Err(Error::invalid_input(why).during(operation).on(resource));
        }
        let body = RequestBody {
            target_user: new.owner.as_deref(),
            access_key: new.access_key.as_deref(),
            secret_key: new.secret_key.as_ref().map(Secret::expose),
            policy: new.policy.as_ref(),
            name: new.name.as_deref(),
            description: new.description.as_deref(),
            expiration: new.expires,
        };
        let call = self.call(operation, resource, Method::PUT, "add-service-account");
        let call = call.mention_users(new.owner.as_deref().as_slice());
        let response = call.secret(&body)?.once().send().await?;
        if let (Some(access_key), Some(secret_key)) = (new.access_key, new.secret_key) {
            // The response contains the credentials that the caller gave, encrypted. Decrypting it
            // would cost 70 ms and 64 MiB.
            return Ok(ServiceAccountCredentials { access_key, secret_key });
        }
        let CredentialsBody { access_key, secret_key } =
            response.secret_json::<ResponseBody>().await?.credentials;
        Ok(ServiceAccountCredentials { access_key, secret_key })
    }
}
