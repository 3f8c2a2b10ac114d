//! Whom a bucket tells what happens in it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Events of a bucket that are sent to a target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notification {
    /// Its name, unique in the bucket.
    pub id: String,
    /// The target: `arn:minio:sqs::NAME:webhook`, an SQS queue, an SNS topic, a Lambda function.
    pub arn: String,
    /// Which events, such as `s3:ObjectCreated:*`.
    pub events: BTreeSet<String>,
    /// Only objects whose keys begin so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// Only objects whose keys end so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub suffix: String,
}

/// The kind of a target, which its ARN says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// `arn:…:sqs:…`: a queue, and every target of MinIO's.
    Queue,
    /// `arn:…:sns:…`: a topic.
    Topic,
    /// `arn:…:lambda:…`: a function.
    Function,
}

impl Notification {
    /// The kind of the target.
    ///
    /// # Errors
    /// `InvalidInput` where the ARN is none of a queue, a topic or a function.
    pub fn target(&self) -> Result<Target> {
        let mut parts = self.arn.split(':');
        let (scheme, _, service) = (parts.next(), parts.next(), parts.next());
        match (scheme, service) {
            (Some("arn"), Some("sqs")) => Ok(Target::Queue),
            (Some("arn"), Some("sns")) => Ok(Target::Topic),
            (Some("arn"), Some("lambda")) => Ok(Target::Function),
            _ => Err(Error::invalid_input(format!(
                "the notification {} goes to {:?}, which is no ARN of a queue, a topic or a \
                 function; MinIO's look like arn:minio:sqs::NAME:webhook",
                self.id, self.arn
            ))),
        }
    }
}

/// Whether a bucket may have these notifications.
///
/// # Errors
/// `InvalidInput` for ids that are missing or used twice, targets that are none, and
/// notifications of nothing.
pub fn check_notifications(notifications: &[Notification]) -> Result<()> {
    let mut ids = BTreeSet::new();
    for notification in notifications {
        let Notification { id, events, .. } = notification;
        if id.is_empty() {
            return Err(Error::invalid_input("a notification has no id"));
        }
        if !ids.insert(id) {
            return Err(Error::invalid_input(format!("two notifications have the id {id}")));
        }
        if events.is_empty() {
            return Err(Error::invalid_input(format!("the notification {id} names no event")));
        }
        notification.target()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json};

    #[test]
    fn arns_say_what_they_are() {
        let to = |arn: &str| Notification { arn: arn.into(), ..Notification::default() }.target();
        assert_eq!(to("arn:minio:sqs::KIT:webhook").unwrap(), Target::Queue);
        assert_eq!(to("arn:aws:sns:eu-west-1:1:t").unwrap(), Target::Topic);
        assert_eq!(to("arn:aws:lambda:eu-west-1:1:function:f").unwrap(), Target::Function);
        for bad in ["", "webhook", "arn:aws:ec2:::x", "http://a:sqs:b"] {
            assert!(to(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_says_nothing_is_refused() {
        let read = |text| from_value::<Vec<Notification>>(text).unwrap();
        let arn = "arn:minio:sqs::KIT:webhook";
        let good = json!([{"id": "a", "arn": arn, "events": ["s3:ObjectCreated:*"]}]);
        check_notifications(&read(good)).unwrap();
        for bad in [
            json!([{"id": "", "arn": arn, "events": ["s3:ObjectCreated:*"]}]),
            json!([{"id": "a", "arn": arn, "events": []}]),
            json!([{"id": "a", "arn": arn, "events": ["e"]}, {"id": "a", "arn": arn, "events": ["f"]}]),
            json!([{"id": "a", "arn": "b", "events": ["s3:ObjectCreated:*"]}]),
        ] {
            assert!(check_notifications(&read(bad.clone())).is_err(), "{bad}");
        }
    }
}
