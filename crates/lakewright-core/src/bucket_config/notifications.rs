//! Notifications of a bucket.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::server_text::has_no_such_target;
use super::subresource::{Subresource, Unreadable, read_xml, write_xml};
use super::{Comparison, Setting, SettingAction, SettingPlan};
use crate::plan::Risk;
use crate::spec::BucketSpec;
use crate::spec::decode::{At, declared, quoted};
use crate::{Error, ErrorKind, Result};

declared! {
    /// Events of a bucket that are sent to a target.
    #[derive(Default, Hash, PartialOrd, Ord)]
    pub struct Notification("a notification") {
        /// Its name, once in a bucket.
        pub id: String,
        /// The target, as the server's operator configured it: `arn:minio:sqs::NAME:webhook`, an
        /// SQS queue, an SNS topic or a Lambda function.
        pub arn: String,
        /// S3's names of events, such as `s3:ObjectCreated:*`.
        pub events: Vec<String>,
        /// Only keys that begin with this.
        pub prefix: Option<String>,
        /// Only keys that end with this.
        pub suffix: Option<String>,
    }
}

/// The kind of a target, which its ARN names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// `arn:…:sqs:…`: a queue. Every target of MinIO is one.
    Queue,
    /// `arn:…:sns:…`: a topic.
    Topic,
    /// `arn:…:lambda:…`: a function.
    Function,
}

impl Notification {
    /// The kind of the target; `None` if the ARN is not that of a queue, a topic or a function.
    #[must_use]
    pub fn target(&self) -> Option<Target> {
        let mut parts = self.arn.split(':');
        let (scheme, _, service) = (parts.next(), parts.next(), parts.next());
        match (scheme, service) {
            (Some("arn"), Some("sqs")) => Some(Target::Queue),
            (Some("arn"), Some("sns")) => Some(Target::Topic),
            (Some("arn"), Some("lambda")) => Some(Target::Function),
            _ => None,
        }
    }

    /// Returns the notification in normal form: those that mean the same are equal in it. Events
    /// are sorted and unique, empty filters are left out.
    #[must_use]
    pub fn normalised(&self) -> Self {
        let mut events = self.events.clone();
        events.sort_unstable();
        events.dedup();
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        Self { events, prefix: filled(&self.prefix), suffix: filled(&self.suffix), ..self.clone() }
    }

    fn check_at(&self, at: &mut At) {
        if self.target().is_none() {
            at.key("arn", |at| {
                at.fault(format!(
                    "{} is not the ARN of a queue, a topic or a function; those of MinIO are like \
                     \"arn:minio:sqs::NAME:webhook\"",
                    quoted(&self.arn)
                ));
            });
        }
        at.key("events", |at| {
            if self.events.is_empty() {
                at.fault("at least one event is needed");
            }
            for (index, event) in self.events.iter().enumerate() {
                if !event.starts_with("s3:") {
                    at.index(index, |at| {
                        at.fault(format!(
                            "{} is no event of S3, such as \"s3:ObjectCreated:*\"",
                            quoted(event)
                        ));
                    });
                }
            }
        });
    }
}

/// All notifications of a bucket; the empty list is none.
impl Setting for Vec<Notification> {
    const FIELD: &'static str = "notifications";

    fn check_at(&self, at: &mut At) {
        check_at(self, at);
    }
}

fn check_at(notifications: &[Notification], at: &mut At) {
    let mut ids = BTreeSet::new();
    for (index, notification) in notifications.iter().enumerate() {
        at.index(index, |at| {
            if notification.id.is_empty() || !ids.insert(&notification.id) {
                at.key("id", |at| at.fault("an id is a text that stands once in a bucket"));
            }
            notification.check_at(at);
        });
    }
}

/// Checks the notifications of a bucket.
///
/// # Errors
/// `InvalidInput` with the path of each fault: an id that is empty or used twice, an ARN of no
/// known kind of target, a notification without events, an event that does not begin with `s3:`.
pub fn check_notifications(notifications: &[Notification]) -> Result<()> {
    super::check_field(<Vec<Notification>>::FIELD, |at| check_at(notifications, at))
}

/// Replaces the notifications.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetNotifications {
    /// All notifications; empty for none.
    pub notifications: Vec<Notification>,
}

impl SettingAction for SetNotifications {
    type Value = Vec<Notification>;

    const VERB: &'static str = "set_notifications";

    fn is_declared(spec: &BucketSpec) -> bool {
        spec.notifications.is_some()
    }

    fn on_new_bucket(_: bool) -> Self::Value {
        Vec::new()
    }

    fn value(self) -> Self::Value {
        self.notifications
    }

    fn plan(plan: &mut SettingPlan<'_>) {
        plan.compare::<Self>(Comparison {
            field: "notifications",
            declared: plan.spec.notifications.clone(),
            equal: |found, wanted| normal(found) == normal(wanted),
            risk: |_, _| Risk::Safe,
            action: |notifications| Self { notifications },
        });
    }
}

/// Returns the notifications in their normal form. Servers keep them in any order.
fn normal(notifications: &[Notification]) -> BTreeSet<Notification> {
    notifications.iter().map(Notification::normalised).collect()
}

/// The XML of notifications
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_NotificationConfiguration.html>).
#[derive(Serialize, Deserialize)]
struct Configuration {
    #[serde(rename = "$value", default)]
    entries: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
enum Entry {
    #[serde(rename = "QueueConfiguration")]
    Queue(Fields),
    #[serde(rename = "TopicConfiguration")]
    Topic(Fields),
    #[serde(rename = "CloudFunctionConfiguration")]
    CloudFunction(Fields),
    #[serde(rename = "EventBridgeConfiguration")]
    EventBridge,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Fields {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud_function: Option<String>,
    #[serde(rename = "Event")]
    events: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<Filter>,
}

#[derive(Serialize, Deserialize)]
struct Filter {
    #[serde(rename = "S3Key")]
    key: FilterRules,
}

#[derive(Serialize, Deserialize)]
struct FilterRules {
    #[serde(rename = "FilterRule", default)]
    rules: Vec<FilterRule>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FilterRule {
    name: String,
    #[serde(default)]
    value: String,
}

impl Subresource for Vec<Notification> {
    type Declared = Self;

    const NAME: &'static str = "notification";
    const GET: &'static str = "get_notifications";
    const SET: &'static str = "set_notifications";

    fn not_configured() -> Self {
        Self::new()
    }

    fn into_declared(self) -> Result<Option<Self::Declared>, Unreadable> {
        Ok(Some(self))
    }

    fn from_declared(declared: Option<Self::Declared>) -> Self {
        declared.unwrap_or_default()
    }

    fn check_value(&self) -> crate::Result<()> {
        Setting::check(self)
    }

    fn from_body(body: &str) -> Result<Self, Unreadable> {
        let Configuration { entries } = read_xml(body)?;
        entries.into_iter().map(read_entry).collect()
    }

    /// No notifications are set by a configuration without content: there is no `DELETE`.
    fn to_body(&self) -> Option<String> {
        let entries = self.iter().map(write_entry).collect();
        Some(write_xml("NotificationConfiguration", &Configuration { entries }))
    }

    fn explain(&self, refusal: Error) -> Error {
        if has_no_such_target(&refusal) {
            let mut arns: Vec<_> = self.iter().map(|one| &*one.arn).collect();
            arns.dedup();
            return refusal.with_message(format!(
                "the server has no such target ({}); configure it on the server first and use the \
                 ARN that it prints",
                arns.join(", ")
            ));
        }
        match refusal.service_code() {
            "UnsupportedNotification" => refusal.with_kind(ErrorKind::Unsupported).with_message(
                "the server notifies neither topics nor functions; MinIO's targets are all \
                 arn:minio:sqs::…",
            ),
            _ => refusal,
        }
    }
}

fn read_entry(entry: Entry) -> Result<Notification, Unreadable> {
    let fields = match entry {
        Entry::Queue(fields) | Entry::Topic(fields) | Entry::CloudFunction(fields) => fields,
        Entry::EventBridge => {
            return Err(Unreadable::Inexpressible("the bucket notifies EventBridge".into()));
        }
    };
    let arn = fields.queue.or(fields.topic).or(fields.cloud_function).unwrap_or_default();
    let mut notification =
        Notification { id: fields.id, arn, events: fields.events, ..Notification::default() };
    for FilterRule { name, value } in fields.filter.into_iter().flat_map(|all| all.key.rules) {
        // Amazon S3 writes the names with a capital letter.
        match &*name.to_ascii_lowercase() {
            "prefix" => notification.prefix = Some(value),
            "suffix" => notification.suffix = Some(value),
            _ => {
                let what = format!("a notification filters by {name:?}");
                return Err(Unreadable::Inexpressible(what));
            }
        }
    }
    Ok(notification.normalised())
}

fn write_entry(notification: &Notification) -> Entry {
    let Notification { id, arn, events, prefix, suffix } = notification;
    let rules = [("prefix", prefix), ("suffix", suffix)].into_iter().filter_map(|(name, value)| {
        let value = value.as_ref().filter(|value| !value.is_empty())?;
        Some(FilterRule { name: name.into(), value: value.clone() })
    });
    let rules: Vec<_> = rules.collect();
    let filter = (!rules.is_empty()).then_some(Filter { key: FilterRules { rules } });
    let fields = Fields { id: id.clone(), events: events.clone(), filter, ..Fields::default() };
    let arn = Some(arn.clone());
    match notification.target() {
        Some(Target::Topic) => Entry::Topic(Fields { topic: arn, ..fields }),
        Some(Target::Function) => Entry::CloudFunction(Fields { cloud_function: arn, ..fields }),
        // The check refuses an ARN of another kind; the server refuses it too.
        Some(Target::Queue) | None => Entry::Queue(Fields { queue: arn, ..fields }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json};

    fn read_xml(inside: &str) -> Result<Vec<Notification>, Unreadable> {
        let root = "NotificationConfiguration";
        Vec::from_body(&format!("<{root} xmlns=\"{root}\">{inside}</{root}>"))
    }

    #[test]
    fn the_xml_is_read_as_it_is_written() {
        let one = |id: &str, arn: &str, prefix: Option<&str>| Notification {
            id: id.into(),
            arn: arn.into(),
            events: vec!["s3:ObjectCreated:*".into(), "s3:ObjectRemoved:*".into()],
            prefix: prefix.map(Into::into),
            suffix: prefix.map(|_| ".csv".into()),
        };
        let all = vec![
            one("a", "arn:minio:sqs::KIT:webhook", None),
            one("b", "arn:aws:sns:eu-west-1:1:t", Some("a&b/")),
            one("c", "arn:aws:lambda:eu-west-1:1:function:f", None),
            one("d", "arn:minio:sqs::KIT:webhook", None),
        ];
        for notifications in [Vec::new(), all] {
            let body = notifications.to_body().unwrap();
            assert_eq!(Vec::from_body(&body), Ok(notifications), "{body}");
        }
    }

    #[test]
    fn notifications_of_other_clients_are_read() {
        let queue = "<Queue>arn:minio:sqs::KIT:webhook</Queue><Event>s3:ObjectCreated:*</Event>";
        let rule = "<Filter><S3Key><FilterRule><Name>Prefix</Name><Value>in/</Value></FilterRule>\
                    </S3Key></Filter>";
        let read = read_xml(&format!("<QueueConfiguration>{queue}{rule}</QueueConfiguration>"));
        let [one] = &read.unwrap()[..] else { panic!("there is one notification") };
        assert_eq!((&*one.id, one.prefix.as_deref()), ("", Some("in/")));
        for (inside, what) in [
            ("<EventBridgeConfiguration/>".into(), "the bucket notifies EventBridge"),
            (
                format!("<QueueConfiguration>{queue}{rule}</QueueConfiguration>")
                    .replace("Prefix<", "Size<"),
                "a notification filters by \"Size\"",
            ),
        ] {
            assert_eq!(read_xml(&inside), Err(Unreadable::Inexpressible(what.into())), "{inside}");
        }
    }

    #[test]
    fn an_arn_names_the_kind_of_target() {
        let to = |arn: &str| Notification { arn: arn.into(), ..Notification::default() }.target();
        assert_eq!(to("arn:minio:sqs::KIT:webhook"), Some(Target::Queue));
        assert_eq!(to("arn:aws:sns:eu-west-1:1:t"), Some(Target::Topic));
        assert_eq!(to("arn:aws:lambda:eu-west-1:1:function:f"), Some(Target::Function));
        for bad in ["", "webhook", "arn:aws:ec2:::x", "http://a:sqs:b"] {
            assert_eq!(to(bad), None, "{bad}");
        }
    }

    #[test]
    fn empty_and_repeated_fields_are_refused() {
        let read = |text| from_value::<Vec<Notification>>(text).unwrap();
        let arn = "arn:minio:sqs::KIT:webhook";
        let good = json!([{"id": "a", "arn": arn, "events": ["s3:ObjectCreated:*"]}]);
        check_notifications(&read(good)).unwrap();
        for (bad, path) in [
            (json!([{"id": "", "arn": arn, "events": ["s3:ObjectCreated:*"]}]), "[0].id: "),
            (json!([{"id": "a", "arn": arn, "events": []}]), "[0].events: "),
            (
                json!([{"id": "a", "arn": arn, "events": ["s3:e"]}, {"id": "a", "arn": arn, "events": ["s3:f"]}]),
                "[1].id: ",
            ),
            (json!([{"id": "a", "arn": arn, "events": ["s3:e", "f"]}]), "[0].events[1]: "),
            (json!([{"id": "a", "arn": "b", "events": ["s3:ObjectCreated:*"]}]), "[0].arn: "),
        ] {
            let error = check_notifications(&read(bad.clone())).unwrap_err().to_string();
            assert!(error.starts_with(&format!("notifications{path}")), "{bad}: {error}");
        }
    }
}
