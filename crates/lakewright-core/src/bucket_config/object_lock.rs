//! Object lock of a bucket. It can be enabled only while the bucket is created, so that a step
//! changes no more than the default retention.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::subresource::{Subresource, Unreadable, read_xml, write_xml};
use super::{Setting, SettingAction, SettingPlan};
use crate::plan::Risk;
use crate::spec::BucketSpec;
use crate::spec::decode::{At, Decode, declared, deserialize_as_decoded, text_enum};
use crate::spec::node::Node;
use crate::{Error, ErrorKind};

text_enum! {
    /// The right that is needed to end a retention early.
    pub enum RetentionMode("a retention mode") {
        /// The right `s3:BypassGovernanceRetention`.
        Governance = "governance",
        /// None: not even root can end it.
        Compliance = "compliance",
    }
}

/// How object lock protects new objects if their request does not choose: the default retention of
/// S3. Written flat: `{"mode": "governance", "days": 30}`; `{}` is object lock without a default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[schemars(with = "ObjectLockFields")]
#[serde(into = "ObjectLockFields")]
pub struct ObjectLock {
    /// The default retention, if there is one.
    pub retention: Option<Retention>,
}

/// A default retention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Retention {
    /// The right that is needed to end it early.
    pub mode: RetentionMode,
    /// How long it holds.
    pub period: RetentionPeriod,
}

/// How long a retention holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RetentionPeriod {
    /// Days of 24 hours: 1 to 36,500.
    Days(u32),
    /// Years, which S3 counts as 365 days each: 1 to 100.
    Years(u32),
}

impl RetentionPeriod {
    /// The longest period in years that MinIO and S3 accept.
    const MAX_YEARS: u32 = 100;
    /// The same in days.
    const MAX_DAYS: u32 = 36_500;

    /// The number of days, if it is counted in days.
    #[must_use]
    pub const fn days(self) -> Option<u32> {
        match self {
            Self::Days(days) => Some(days),
            Self::Years(_) => None,
        }
    }

    /// The number of years, if it is counted in years.
    #[must_use]
    pub const fn years(self) -> Option<u32> {
        match self {
            Self::Days(_) => None,
            Self::Years(years) => Some(years),
        }
    }
}

impl ObjectLock {
    /// Object lock with a default retention.
    #[must_use]
    pub const fn with_retention(mode: RetentionMode, period: RetentionPeriod) -> Self {
        Self { retention: Some(Retention { mode, period }) }
    }
}

/// `governance for 30 days`.
impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.period {
            RetentionPeriod::Days(days) => write!(f, "{} for {days} days", self.mode),
            RetentionPeriod::Years(years) => write!(f, "{} for {years} years", self.mode),
        }
    }
}

declared! {
    /// Object lock, with a default retention if `mode` and either `days` or `years` are given.
    struct ObjectLockFields("object lock") {
        /// The right that is needed to end the default retention early.
        pub mode: Option<RetentionMode>,
        /// How many days it holds; not together with `years`.
        pub days: Option<u32>,
        /// How many years it holds; not together with `days`.
        pub years: Option<u32>,
    }
}

impl From<ObjectLock> for ObjectLockFields {
    fn from(lock: ObjectLock) -> Self {
        Self {
            mode: lock.retention.map(|retention| retention.mode),
            days: lock.retention.and_then(|retention| retention.period.days()),
            years: lock.retention.and_then(|retention| retention.period.years()),
        }
    }
}

impl Decode for ObjectLock {
    fn decode(node: &Node, at: &mut At) -> Option<Self> {
        let ObjectLockFields { mode, days, years } = ObjectLockFields::decode(node, at)?;
        let period = match (days, years) {
            (Some(_), Some(_)) => {
                at.fault("a retention has either days or years, and both were found");
                return None;
            }
            (Some(days), None) => Some(RetentionPeriod::Days(days)),
            (None, Some(years)) => Some(RetentionPeriod::Years(years)),
            (None, None) => None,
        };
        match (mode, period) {
            (Some(mode), Some(period)) => Some(Self::with_retention(mode, period)),
            (None, None) => Some(Self::default()),
            (Some(_), None) => {
                at.fault("a retention needs days or years besides its mode");
                None
            }
            (None, Some(_)) => {
                at.fault("a retention needs a mode, \"governance\" or \"compliance\"");
                None
            }
        }
    }
}

deserialize_as_decoded!(ObjectLock, "object lock");

impl Setting for ObjectLock {
    const FIELD: &'static str = "object_lock";

    fn check_at(&self, at: &mut At) {
        let Some(Retention { period, .. }) = self.retention else { return };
        let (unit, count, most) = match period {
            RetentionPeriod::Days(days) => ("days", days, RetentionPeriod::MAX_DAYS),
            RetentionPeriod::Years(years) => ("years", years, RetentionPeriod::MAX_YEARS),
        };
        if !(1..=most).contains(&count) {
            at.key(unit, |at| at.fault(format!("a retention holds from 1 to {most} {unit}")));
        }
    }
}

/// Sets the default retention of a bucket with object lock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetObjectLock {
    /// The object lock, with or without a default retention.
    pub object_lock: ObjectLock,
}

impl SettingAction for SetObjectLock {
    type Value = Option<ObjectLock>;

    const VERB: &'static str = "set_object_lock";

    fn is_declared(spec: &BucketSpec) -> bool {
        spec.object_lock.is_some()
    }

    fn on_new_bucket(object_lock: bool) -> Self::Value {
        object_lock.then(ObjectLock::default)
    }

    fn value(self) -> Self::Value {
        Some(self.object_lock)
    }

    fn plan(plan: &mut SettingPlan<'_>) {
        let given_up = plan.is_given_up::<Self>();
        if plan.spec.object_lock.is_none() && !given_up {
            return;
        }
        let Some(found) = plan.observed::<Self>("object_lock").copied() else { return };
        let wanted = plan.spec.object_lock.unwrap_or_default();
        let found = match found {
            Some(lock) => lock,
            None if given_up => return,
            None => {
                return plan.problem(
                    ErrorKind::PreconditionFailed,
                    "it was made without object lock, which cannot be switched on afterwards: \
                     leave \"object_lock\" out, or declare a bucket of another name with it and \
                     copy the objects there",
                );
            }
        };
        if given_up {
            plan.note(
                "object lock is not declared any more and cannot be taken away; only its default \
                 retention can",
            );
        }
        if found != wanted {
            let text = |lock: ObjectLock| {
                lock.retention.map(|retention| Value::String(retention.to_string()))
            };
            // Objects that are locked already keep their retention.
            let action = Self { object_lock: wanted };
            plan.step(action, Risk::Safe, "object_lock", text(found), text(wanted));
        }
    }
}

/// The XML of object lock
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_ObjectLockConfiguration.html>).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Configuration {
    object_lock_enabled: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<Rule>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Rule {
    default_retention: Option<DefaultRetention>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DefaultRetention {
    mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    years: Option<u32>,
    /// A setting of Amazon S3 that a spec cannot declare.
    #[serde(skip_serializing)]
    default_event_hold: Option<String>,
}

const ENABLED: &str = "Enabled";
const GOVERNANCE: &str = "GOVERNANCE";
const COMPLIANCE: &str = "COMPLIANCE";

impl Subresource for Option<ObjectLock> {
    type Declared = ObjectLock;

    const NAME: &'static str = "object-lock";
    const GET: &'static str = "get_object_lock";
    const SET: &'static str = "set_object_lock";
    const NOT_CONFIGURED: &'static str = "ObjectLockConfigurationNotFoundError";

    fn not_configured() -> Self {
        None
    }

    fn into_declared(self) -> Result<Option<Self::Declared>, Unreadable> {
        Ok(self)
    }

    fn from_declared(declared: Option<Self::Declared>) -> Self {
        declared
    }

    fn check_value(&self) -> crate::Result<()> {
        let why = "object lock cannot be removed from a bucket: {} ends the default retention";
        self.as_ref().ok_or_else(|| Error::invalid_input(why))?.check()
    }

    fn from_body(body: &str) -> Result<Self, Unreadable> {
        let Configuration { object_lock_enabled, rule } = read_xml(body)?;
        let Some(retention) = rule.and_then(|rule| rule.default_retention) else {
            let enabled = object_lock_enabled.as_deref() == Some(ENABLED);
            return Ok(enabled.then(ObjectLock::default));
        };
        let inexpressible = |what: String| Err(Unreadable::Inexpressible(what));
        if retention.default_event_hold.is_some() {
            return inexpressible("the retention has an event hold".into());
        }
        let mode = match retention.mode.as_deref().unwrap_or_default() {
            GOVERNANCE => RetentionMode::Governance,
            COMPLIANCE => RetentionMode::Compliance,
            other => return inexpressible(format!("the retention mode is {other:?}")),
        };
        // A server may write an empty period beside the real one.
        let count = |count: Option<u32>| count.filter(|count| *count > 0);
        let days = count(retention.days).map(RetentionPeriod::Days);
        match days.or(count(retention.years).map(RetentionPeriod::Years)) {
            Some(period) => Ok(Some(ObjectLock::with_retention(mode, period))),
            None => inexpressible("the retention has no period".into()),
        }
    }

    fn to_body(&self) -> Option<String> {
        let rule = self.as_ref()?.retention.map(|Retention { mode, period }| {
            let mode = match mode {
                RetentionMode::Governance => GOVERNANCE,
                RetentionMode::Compliance => COMPLIANCE,
            };
            let default_retention = Some(DefaultRetention {
                mode: Some(mode.into()),
                days: period.days(),
                years: period.years(),
                default_event_hold: None,
            });
            Rule { default_retention }
        });
        let object_lock_enabled = Some(ENABLED.into());
        let configuration = Configuration { object_lock_enabled, rule };
        Some(write_xml("ObjectLockConfiguration", &configuration))
    }

    fn explain(&self, refusal: Error) -> Error {
        match refusal.service_code() {
            "InvalidBucketState" => refusal.with_kind(ErrorKind::Conflict).with_message(
                "the bucket was made without object lock, which cannot be enabled afterwards: make a \
                 new one with it and copy the objects",
            ),
            _ => refusal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use serde_json::{from_value, json, to_value};

    #[test]
    fn the_xml_is_read_as_it_is_written() {
        let days = ObjectLock::with_retention(RetentionMode::Governance, RetentionPeriod::Days(30));
        let years =
            ObjectLock::with_retention(RetentionMode::Compliance, RetentionPeriod::Years(7));
        for lock in [ObjectLock::default(), days, years] {
            let body = Some(lock).to_body().unwrap();
            assert_eq!(Option::from_body(&body), Ok(Some(lock)), "{body}");
        }
        let read = |retention: &str| {
            let root = "ObjectLockConfiguration";
            Option::<ObjectLock>::from_body(&format!(
                "<{root}><Rule><DefaultRetention>{retention}</DefaultRetention></Rule></{root}>"
            ))
        };
        let both = "<Mode>GOVERNANCE</Mode><Days>30</Days><Years>0</Years>";
        assert_eq!(read(both), Ok(Some(days)));
        for (retention, what) in [
            ("<Mode>ODD</Mode><Days>1</Days>", "the retention mode is \"ODD\""),
            ("<Mode>GOVERNANCE</Mode>", "the retention has no period"),
            ("<DefaultEventHold>true</DefaultEventHold>", "the retention has an event hold"),
        ] {
            assert_eq!(read(retention), Err(Unreadable::Inexpressible(what.into())));
        }
    }

    #[test]
    fn the_json_is_flat_and_stable() {
        let lock = ObjectLock::with_retention(RetentionMode::Governance, RetentionPeriod::Days(30));
        assert_eq!(to_value(lock).unwrap(), json!({"mode": "governance", "days": 30}));
        assert_eq!(from_value::<ObjectLock>(to_value(lock).unwrap()).unwrap(), lock);
        assert_eq!(to_value(ObjectLock::default()).unwrap(), json!({}));
        assert!(from_value::<ObjectLock>(json!({"mode": "governance", "day": 3})).is_err());
    }

    #[test]
    fn a_lock_needs_a_mode_and_one_period() {
        for good in [
            json!({}),
            json!({"mode": "compliance", "days": 1}),
            json!({"mode": "compliance", "days": 36_500}),
            json!({"mode": "compliance", "years": 100}),
        ] {
            ObjectLock::from_value(&good).unwrap().check().unwrap();
        }
        for (bad, why) in [
            (json!({"mode": "compliance"}), "object_lock: a retention needs days or years"),
            (json!({"days": 1}), "object_lock: a retention needs a mode"),
            (json!({"mode": "compliance", "days": 1, "years": 1}), "object_lock: a retention has"),
            (json!({"mode": "compliance", "days": 0}), "object_lock.days: "),
            (json!({"mode": "compliance", "days": 36_501}), "object_lock.days: "),
            (json!({"mode": "compliance", "years": 101}), "object_lock.years: "),
        ] {
            let error = ObjectLock::from_value(&bad).and_then(|lock| lock.check()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{bad:?}");
            assert!(error.to_string().starts_with(why), "{error}");
        }
    }
}
