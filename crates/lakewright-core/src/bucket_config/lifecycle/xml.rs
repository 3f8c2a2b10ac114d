//! The XML of lifecycle rules
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_BucketLifecycleConfiguration.html>), with
//! the elements that only MinIO has (`internal/bucket/lifecycle` in its sources).

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{Day, LifecycleRule, NoncurrentTransition, Transition};
use crate::bucket_config::Setting;
use crate::bucket_config::subresource::{Subresource, Unreadable, read_xml, write_xml};
use crate::bucket_config::tags::Tag;
use crate::{Error, ErrorKind};

#[derive(Serialize, Deserialize)]
struct Configuration {
    #[serde(rename = "Rule", default)]
    rules: Vec<RuleXml>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RuleXml {
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<ExpirationXml>,
    #[serde(rename = "ID")]
    id: String,
    /// The prefix of rules from before there were filters. It has the same meaning.
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    filter: FilterXml,
    status: String,
    #[serde(rename = "Transition")]
    transitions: Vec<TransitionXml>,
    #[serde(rename = "NoncurrentVersionTransition")]
    noncurrent_transitions: Vec<NoncurrentTransitionXml>,
    #[serde(skip_serializing_if = "Option::is_none")]
    noncurrent_version_expiration: Option<NoncurrentExpirationXml>,
    #[serde(skip_serializing_if = "Option::is_none")]
    abort_incomplete_multipart_upload: Option<AbortXml>,
    /// Only MinIO has it.
    #[serde(skip_serializing)]
    del_marker_expiration: Option<ExpirationXml>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ExpirationXml {
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expired_object_delete_marker: Option<bool>,
    /// Only MinIO has it.
    #[serde(skip_serializing)]
    expired_object_all_versions: Option<bool>,
}

/// A filter: one condition, or several of them in `And`.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct FilterXml {
    #[serde(skip_serializing_if = "Option::is_none")]
    and: Option<Box<FilterXml>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    #[serde(rename = "Tag")]
    tags: Vec<Tag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_size_greater_than: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_size_less_than: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TransitionXml {
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    #[serde(default)]
    storage_class: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NoncurrentTransitionXml {
    #[serde(skip_serializing_if = "Option::is_none")]
    noncurrent_days: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    newer_noncurrent_versions: Option<i64>,
    #[serde(default)]
    storage_class: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NoncurrentExpirationXml {
    #[serde(skip_serializing_if = "Option::is_none")]
    noncurrent_days: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    newer_noncurrent_versions: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AbortXml {
    days_after_initiation: Option<i64>,
}

const ENABLED: &str = "Enabled";
const DISABLED: &str = "Disabled";

impl Subresource for Vec<LifecycleRule> {
    type Declared = Self;

    const NAME: &'static str = "lifecycle";
    const GET: &'static str = "get_lifecycle";
    const SET: &'static str = "set_lifecycle";
    const NOT_CONFIGURED: &'static str = "NoSuchLifecycleConfiguration";

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
        let Configuration { rules } = read_xml(body)?;
        let rules = rules.into_iter().map(|rule| {
            let id = rule.id.clone();
            read(rule).map_err(|what| {
                Unreadable::Inexpressible(format!("the lifecycle rule {id} has {what}"))
            })
        });
        rules.collect()
    }

    fn to_body(&self) -> Option<String> {
        let configuration = Configuration { rules: self.iter().map(write).collect() };
        (!self.is_empty()).then(|| write_xml("LifecycleConfiguration", &configuration))
    }

    fn explain(&self, refusal: Error) -> Error {
        let emptied = self.iter().find_map(emptied_by_minio);
        match (refusal.service_code(), emptied) {
            // MinIO drops the whole content of such a rule, and then refuses the empty rule.
            ("InvalidArgument", Some(why)) => {
                refusal.with_kind(ErrorKind::Unsupported).with_message(why)
            }
            ("InvalidArgument" | "MalformedXML", _) => {
                let why = format!("the server does not accept the rules: {}", refusal.message());
                refusal.with_message(why)
            }
            _ => refusal,
        }
    }

    fn may_lose_parts(&self) -> bool {
        self.iter().any(|rule| rule.ignored_by_minio().is_some())
    }

    fn lost_part(&self, stored: &Self) -> Option<&'static str> {
        let lost = self.iter().filter_map(|rule| {
            let why = rule.ignored_by_minio()?;
            let stored = stored.iter().find(|other| other.id == rule.id);
            let dropped = stored.and_then(LifecycleRule::ignored_by_minio) != Some(why);
            dropped.then_some(why)
        });
        lost.min()
    }
}

/// Returns why the rule cannot be in force on MinIO, if MinIO drops all that it does.
fn emptied_by_minio(rule: &LifecycleRule) -> Option<&'static str> {
    if rule.acts_on_objects() { None } else { rule.ignored_by_minio() }
}

/// Converts a rule from the server, or returns the part that [`LifecycleRule`] cannot express.
fn read(xml: RuleXml) -> Result<LifecycleRule, String> {
    let mut rule = LifecycleRule::new(xml.id);
    rule.enabled = match &*xml.status {
        ENABLED => Some(true),
        DISABLED => Some(false),
        other => return Err(format!("the status {other:?}")),
    };
    let mut one = xml.filter;
    let and = one.and.take().unwrap_or_default();
    rule.prefix = one.prefix.or(and.prefix).or(xml.prefix);
    let tags = one.tags.into_iter().chain(and.tags);
    rule.tags = Some(tags.map(|Tag { key, value }| (key, value)).collect());
    rule.object_size_greater_than =
        size(one.object_size_greater_than.or(and.object_size_greater_than))?;
    rule.object_size_less_than = size(one.object_size_less_than.or(and.object_size_less_than))?;
    if let Some(expiration) = xml.expiration {
        if expiration.expired_object_all_versions == Some(true) {
            return Err("ExpiredObjectAllVersions".into());
        }
        rule.expire_after_days = count(expiration.days)?;
        rule.expire_on = day(expiration.date.as_deref())?;
        rule.expired_object_delete_marker = expiration.expired_object_delete_marker == Some(true);
    }
    if xml.del_marker_expiration.is_some_and(|expiration| expiration.days.is_some()) {
        return Err("DelMarkerExpiration".into());
    }
    if let Some(expiration) = xml.noncurrent_version_expiration {
        rule.noncurrent_expire_after_days = count(expiration.noncurrent_days)?;
        rule.newer_noncurrent_versions = count(expiration.newer_noncurrent_versions)?;
    }
    if let Some(abort) = xml.abort_incomplete_multipart_upload {
        rule.abort_incomplete_after_days = count(abort.days_after_initiation)?;
    }
    let transitions = xml.transitions.into_iter().map(|transition| {
        Ok(Transition {
            storage_class: transition.storage_class,
            // 0 days mean at once, and some servers leave them out.
            after_days: match (count(transition.days)?, &transition.date) {
                (None, None) => Some(0),
                (days, _) => days,
            },
            on: day(transition.date.as_deref())?,
        })
    });
    rule.transitions = Some(transitions.collect::<Result<_, String>>()?);
    let transitions = xml.noncurrent_transitions.into_iter().map(|transition| {
        Ok(NoncurrentTransition {
            storage_class: transition.storage_class,
            after_days: count(transition.noncurrent_days)?.unwrap_or(0),
            newer_noncurrent_versions: count(transition.newer_noncurrent_versions)?,
        })
    });
    rule.noncurrent_transitions = Some(transitions.collect::<Result<_, String>>()?);
    Ok(rule.normalised())
}

/// Converts a number of days or versions. MinIO writes 0 for none.
fn count(count: Option<i64>) -> Result<Option<u32>, String> {
    let count = count.map(u32::try_from).transpose();
    count
        .map(|count| count.filter(|count| *count > 0))
        .map_err(|_| "a number of days out of range".to_owned())
}

fn size(bytes: Option<i64>) -> Result<Option<u64>, String> {
    let bytes = bytes.map(u64::try_from).transpose();
    bytes.map_err(|_| "a filter by a negative size".to_owned())
}

fn day(date: Option<&str>) -> Result<Option<Day>, String> {
    let Some(date) = date else { return Ok(None) };
    let at: Timestamp = date.parse().map_err(|_| format!("the day {date:?}"))?;
    let at = at.to_zoned(TimeZone::UTC);
    if at.time() != Time::midnight() {
        return Err(format!("the time {at}, which is not the beginning of a day"));
    }
    Ok(Some(Day(at.date())))
}

/// Converts a checked rule for the server.
fn write(rule: &LifecycleRule) -> RuleXml {
    let count = |count: Option<u32>| count.map(i64::from);
    let expires = rule.expire_after_days.is_some()
        || rule.expire_on.is_some()
        || rule.expired_object_delete_marker;
    let replaced_expire =
        rule.noncurrent_expire_after_days.is_some() || rule.newer_noncurrent_versions.is_some();
    let transitions = rule.transitions.iter().flatten().map(|transition| TransitionXml {
        days: count(transition.after_days),
        date: transition.on.map(midnight),
        storage_class: transition.storage_class.clone(),
    });
    let noncurrent = rule.noncurrent_transitions.iter().flatten();
    let noncurrent = noncurrent.map(|transition| NoncurrentTransitionXml {
        noncurrent_days: Some(transition.after_days.into()),
        newer_noncurrent_versions: count(transition.newer_noncurrent_versions),
        storage_class: transition.storage_class.clone(),
    });
    RuleXml {
        expiration: expires.then(|| ExpirationXml {
            days: count(rule.expire_after_days),
            date: rule.expire_on.map(midnight),
            expired_object_delete_marker: rule.expired_object_delete_marker.then_some(true),
            expired_object_all_versions: None,
        }),
        id: rule.id.clone(),
        prefix: None,
        filter: write_filter(rule),
        status: if rule.is_enabled() { ENABLED } else { DISABLED }.into(),
        transitions: transitions.collect(),
        noncurrent_transitions: noncurrent.collect(),
        noncurrent_version_expiration: replaced_expire.then(|| NoncurrentExpirationXml {
            noncurrent_days: count(rule.noncurrent_expire_after_days),
            newer_noncurrent_versions: count(rule.newer_noncurrent_versions),
        }),
        abort_incomplete_multipart_upload: rule
            .abort_incomplete_after_days
            .map(|days| AbortXml { days_after_initiation: Some(days.into()) }),
        del_marker_expiration: None,
    }
}

/// Converts the conditions of a rule: one is an element of the filter, several are one of `And`.
fn write_filter(rule: &LifecycleRule) -> FilterXml {
    let tags = rule.tags.iter().flatten();
    let tags = tags.map(|(key, value)| Tag { key: key.clone(), value: value.clone() });
    // The check of the rule refuses sizes that do not fit.
    let size = |bytes: Option<u64>| bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
    let mut filter = FilterXml {
        and: None,
        prefix: rule.prefix.clone().filter(|prefix| !prefix.is_empty()),
        tags: tags.collect(),
        object_size_greater_than: size(rule.object_size_greater_than),
        object_size_less_than: size(rule.object_size_less_than),
    };
    let number = usize::from(filter.prefix.is_some())
        + filter.tags.len()
        + usize::from(filter.object_size_greater_than.is_some())
        + usize::from(filter.object_size_less_than.is_some());
    if number > 1 {
        return FilterXml { and: Some(filter.into()), ..FilterXml::default() };
    }
    if number == 0 {
        // A filter has at least one condition; the empty prefix matches every key.
        filter.prefix = Some(String::new());
    }
    filter
}

/// Writes a day as S3 does.
fn midnight(day: Day) -> String {
    format!("{day}T00:00:00Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bucket_config::check_lifecycle;
    use jiff::civil::date;
    use proptest::prelude::*;

    fn rules() -> impl Strategy<Value = LifecycleRule> {
        let count = || prop::option::of(1_u32..=i32::MAX as u32);
        let filter = (
            "[a-z/ &<\"é]{0,5}",
            prop::collection::btree_map("[a-z]{1,3}", "[a-z]{0,3}", 0..3),
            prop::option::of(0_u64..1000),
            prop::option::of(2000_u64..3000),
        );
        let expiration = prop_oneof![
            Just((None, None, false)),
            Just((None, None, true)),
            (1_u32..9999).prop_map(|days| (Some(days), None, false)),
            (1_i16..28).prop_map(|day| (None, Some(Day(date(2030, 1, day as i8))), false)),
        ];
        let transition = (0_u32..3000).prop_flat_map(|days| {
            prop_oneof![
                Just(Transition { storage_class: "COLD".into(), after_days: Some(days), on: None }),
                Just(Transition {
                    storage_class: "GLACIER".into(),
                    after_days: None,
                    on: Some(Day(date(2031, 2, 3))),
                }),
            ]
        });
        let noncurrent =
            (0_u32..99, count()).prop_map(|(after_days, newer)| NoncurrentTransition {
                storage_class: "COLD".into(),
                after_days,
                newer_noncurrent_versions: newer,
            });
        (
            any::<bool>(),
            filter,
            expiration,
            (count(), count(), count()),
            prop::collection::vec(transition, 0..3),
            prop::collection::vec(noncurrent, 0..3),
        )
            .prop_map(|(enabled, filter, expiration, counts, transitions, noncurrent)| {
                LifecycleRule {
                    enabled: Some(enabled),
                    prefix: Some(filter.0),
                    tags: Some(filter.1),
                    object_size_greater_than: filter.2,
                    object_size_less_than: filter.3,
                    expire_after_days: expiration.0,
                    expire_on: expiration.1,
                    expired_object_delete_marker: expiration.2,
                    noncurrent_expire_after_days: counts.0,
                    newer_noncurrent_versions: counts.1,
                    abort_incomplete_after_days: counts.2,
                    transitions: Some(transitions),
                    noncurrent_transitions: Some(noncurrent),
                    ..LifecycleRule::new("rule")
                }
            })
    }

    fn read_rule(inside: &str) -> Result<LifecycleRule, Unreadable> {
        let body = format!(
            "<LifecycleConfiguration><Rule><ID>a</ID><Status>Enabled</Status>{inside}</Rule>\
             <ExpiryUpdatedAt>2026-01-01T00:00:00Z</ExpiryUpdatedAt></LifecycleConfiguration>"
        );
        Ok(Vec::from_body(&body)?.remove(0))
    }

    #[test]
    fn rules_of_other_clients_are_read() {
        let old = read_rule("<Prefix>tmp/</Prefix><Expiration><Days>7</Days></Expiration>");
        let tmp = LifecycleRule {
            prefix: Some("tmp/".into()),
            expire_after_days: Some(7),
            ..LifecycleRule::new("a")
        };
        assert_eq!(old, Ok(tmp));
        let dated = "<Filter/><Expiration><Date>2030-01-31T00:00:00.000Z</Date></Expiration>";
        assert_eq!(read_rule(dated).unwrap().expire_on, Some(Day(date(2030, 1, 31))));
        let apart = "<Transition><Days>1</Days><StorageClass>A</StorageClass></Transition>\
                     <Filter/>\
                     <Transition><Days>2</Days><StorageClass>B</StorageClass></Transition>";
        assert_eq!(read_rule(apart).unwrap().transitions.unwrap().len(), 2);
    }

    #[test]
    fn the_inexpressible_part_of_a_rule_is_named() {
        for (inside, what) in [
            ("<DelMarkerExpiration><Days>1</Days></DelMarkerExpiration>", "DelMarkerExpiration"),
            (
                "<Expiration><Days>1</Days><ExpiredObjectAllVersions>true\
                 </ExpiredObjectAllVersions></Expiration>",
                "ExpiredObjectAllVersions",
            ),
            (
                "<Expiration><Date>2030-01-31T12:00:00Z</Date></Expiration>",
                "the time 2030-01-31T12:00:00+00:00[UTC], which is not the beginning of a day",
            ),
            ("<Expiration><Days>-1</Days></Expiration>", "a number of days out of range"),
        ] {
            let what = format!("the lifecycle rule a has {what}");
            assert_eq!(read_rule(inside), Err(Unreadable::Inexpressible(what)), "{inside}");
        }
    }

    proptest! {
        #[test]
        fn rules_round_trip(rule in rules()) {
            prop_assume!(check_lifecycle(std::slice::from_ref(&rule)).is_ok());
            let body = vec![rule.clone()].to_body().unwrap();
            let read = Vec::<LifecycleRule>::from_body(&body);
            prop_assert_eq!(read, Ok(vec![rule.normalised()]), "{}", body);
        }
    }
}
