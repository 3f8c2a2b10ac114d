//! Conversion of lifecycle rules to the types of the SDK and back.

use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, ExpirationStatus, LifecycleExpiration,
    LifecycleRule as SdkRule, LifecycleRuleAndOperator, LifecycleRuleFilter,
    NoncurrentVersionExpiration, NoncurrentVersionTransition, Tag, Transition as SdkTransition,
    TransitionStorageClass,
};
use jiff::tz::TimeZone;
use lakewright_core::bucket_config::{Day, LifecycleRule, NoncurrentTransition, Transition};
use lakewright_core::{Error, Result};

use super::super::incomplete;
use crate::types::timestamp;

/// The elements, and the text of each in a rule in which it has an effect.
const MINIO_ELEMENTS: [(&str, &str); 2] = [
    ("ExpiredObjectAllVersions", "<ExpiredObjectAllVersions>true<"),
    ("DelMarkerExpiration", "<DelMarkerExpiration><Days>"),
];

/// Finds an element that only MinIO has. The SDK skips these, and a rule read without them would
/// seem to do less than it does.
pub(super) fn minio_element(body: &str) -> Option<&'static str> {
    let (element, _) = MINIO_ELEMENTS.iter().find(|(_, text)| body.contains(text))?;
    Some(element)
}

/// Converts a rule from the server, or returns the part that [`LifecycleRule`] cannot express.
pub(super) fn read(sdk_rule: &SdkRule) -> Result<LifecycleRule, String> {
    let mut rule = LifecycleRule::new(sdk_rule.id().unwrap_or_default());
    rule.enabled = match sdk_rule.status() {
        ExpirationStatus::Enabled => Some(true),
        ExpirationStatus::Disabled => Some(false),
        other => return Err(format!("the status {:?}", other.as_str())),
    };
    // Old rules have a prefix outside the filter, with the same meaning.
    #[allow(deprecated)]
    let old_prefix = sdk_rule.prefix();
    rule.prefix = old_prefix.map(str::to_owned);
    if let Some(filter) = sdk_rule.filter() {
        read_filter(filter, &mut rule)?;
    }
    if let Some(expiration) = sdk_rule.expiration() {
        rule.expire_after_days = days(expiration.days())?;
        rule.expire_on = day(expiration.date())?;
        rule.expired_object_delete_marker = expiration.expired_object_delete_marker() == Some(true);
    }
    if let Some(expiration) = sdk_rule.noncurrent_version_expiration() {
        rule.noncurrent_expire_after_days = days(expiration.noncurrent_days())?;
        rule.newer_noncurrent_versions = days(expiration.newer_noncurrent_versions())?;
    }
    if let Some(abort) = sdk_rule.abort_incomplete_multipart_upload() {
        rule.abort_incomplete_after_days = days(abort.days_after_initiation())?;
    }
    let transitions = sdk_rule.transitions().iter().map(|transition| {
        Ok(Transition {
            storage_class: class(transition.storage_class()),
            // 0 days mean at once, and some servers leave them out.
            after_days: match (days(transition.days())?, transition.date()) {
                (None, None) => Some(0),
                (days, _) => days,
            },
            on: day(transition.date())?,
        })
    });
    rule.transitions = Some(transitions.collect::<Result<_, String>>()?);
    let transitions = sdk_rule.noncurrent_version_transitions().iter().map(|transition| {
        Ok(NoncurrentTransition {
            storage_class: class(transition.storage_class()),
            after_days: days(transition.noncurrent_days())?.unwrap_or(0),
            newer_noncurrent_versions: days(transition.newer_noncurrent_versions())?,
        })
    });
    rule.noncurrent_transitions = Some(transitions.collect::<Result<_, String>>()?);
    Ok(rule.normalised())
}

fn read_filter(filter: &LifecycleRuleFilter, rule: &mut LifecycleRule) -> Result<(), String> {
    let and = filter.and();
    let prefix = filter.prefix().or_else(|| and.and_then(LifecycleRuleAndOperator::prefix));
    if let Some(prefix) = prefix {
        rule.prefix = Some(prefix.to_owned());
    }
    let tags = and.map(LifecycleRuleAndOperator::tags).unwrap_or_default();
    let tags = filter.tag().into_iter().chain(tags);
    rule.tags = Some(tags.map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect());
    let size = |size: Option<i64>| {
        let size = size.map(u64::try_from).transpose();
        size.map_err(|_| "a filter by a negative size".to_owned())
    };
    let more = filter.object_size_greater_than();
    let less = filter.object_size_less_than();
    rule.object_size_greater_than =
        size(more.or_else(|| and.and_then(|and| and.object_size_greater_than())))?;
    rule.object_size_less_than =
        size(less.or_else(|| and.and_then(|and| and.object_size_less_than())))?;
    Ok(())
}

/// Converts a number of days or versions. MinIO writes 0 for none.
fn days(days: Option<i32>) -> Result<Option<u32>, String> {
    let days = days.map(u32::try_from).transpose();
    days.map(|days| days.filter(|days| *days > 0))
        .map_err(|_| "a negative number of days".to_owned())
}

fn day(date: Option<&DateTime>) -> Result<Option<Day>, String> {
    let Some(date) = date else { return Ok(None) };
    let at = timestamp(Some(date)).ok_or_else(|| "a day out of range".to_owned())?;
    let at = at.to_zoned(TimeZone::UTC);
    if at.time() != jiff::civil::Time::midnight() {
        return Err(format!("the time {at}, which is not the beginning of a day"));
    }
    Ok(Some(Day(at.date())))
}

fn class(class: Option<&TransitionStorageClass>) -> String {
    class.map(TransitionStorageClass::as_str).unwrap_or_default().to_owned()
}

/// Converts a checked rule for the server.
///
/// # Errors
/// `InvalidInput` for numbers that the protocol cannot express.
pub(super) fn write(rule: &LifecycleRule) -> Result<SdkRule> {
    let mut sdk_rule =
        SdkRule::builder().id(&rule.id).filter(write_filter(rule)?).status(if rule.is_enabled() {
            ExpirationStatus::Enabled
        } else {
            ExpirationStatus::Disabled
        });
    if rule.expire_after_days.is_some()
        || rule.expire_on.is_some()
        || rule.expired_object_delete_marker
    {
        sdk_rule = sdk_rule.expiration(
            LifecycleExpiration::builder()
                .set_days(number(rule.expire_after_days)?)
                .set_date(rule.expire_on.map(midnight).transpose()?)
                .set_expired_object_delete_marker(rule.expired_object_delete_marker.then_some(true))
                .build(),
        );
    }
    if rule.noncurrent_expire_after_days.is_some() || rule.newer_noncurrent_versions.is_some() {
        sdk_rule = sdk_rule.noncurrent_version_expiration(
            NoncurrentVersionExpiration::builder()
                .set_noncurrent_days(number(rule.noncurrent_expire_after_days)?)
                .set_newer_noncurrent_versions(number(rule.newer_noncurrent_versions)?)
                .build(),
        );
    }
    if rule.abort_incomplete_after_days.is_some() {
        let days = number(rule.abort_incomplete_after_days)?;
        sdk_rule = sdk_rule.abort_incomplete_multipart_upload(
            AbortIncompleteMultipartUpload::builder().set_days_after_initiation(days).build(),
        );
    }
    for transition in rule.transitions.iter().flatten() {
        sdk_rule = sdk_rule.transitions(
            SdkTransition::builder()
                .set_days(number(transition.after_days)?)
                .set_date(transition.on.map(midnight).transpose()?)
                .storage_class(transition.storage_class.as_str().into())
                .build(),
        );
    }
    for transition in rule.noncurrent_transitions.iter().flatten() {
        sdk_rule = sdk_rule.noncurrent_version_transitions(
            NoncurrentVersionTransition::builder()
                .set_noncurrent_days(number(Some(transition.after_days))?)
                .set_newer_noncurrent_versions(number(transition.newer_noncurrent_versions)?)
                .storage_class(transition.storage_class.as_str().into())
                .build(),
        );
    }
    sdk_rule.build().map_err(incomplete)
}

/// Converts the conditions of a rule: one stands alone, several stand in an `And`.
fn write_filter(rule: &LifecycleRule) -> Result<LifecycleRuleFilter> {
    let mut tags = Vec::new();
    for (key, value) in rule.tags.iter().flatten() {
        tags.push(Tag::builder().key(key).value(value).build().map_err(incomplete)?);
    }
    let size = |size: Option<u64>| {
        size.map(i64::try_from)
            .transpose()
            .map_err(|error| Error::invalid_input("no object is that large").caused_by(error))
    };
    let (more, less) = (size(rule.object_size_greater_than)?, size(rule.object_size_less_than)?);
    let filter = LifecycleRuleFilter::builder();
    let prefix = rule.prefix.clone().filter(|prefix| !prefix.is_empty());
    let conditions = usize::from(prefix.is_some())
        + tags.len()
        + usize::from(more.is_some())
        + usize::from(less.is_some());
    if conditions > 1 {
        let and = LifecycleRuleAndOperator::builder()
            .set_prefix(prefix)
            .set_tags((!tags.is_empty()).then_some(tags))
            .set_object_size_greater_than(more)
            .set_object_size_less_than(less);
        return Ok(filter.and(and.build()).build());
    }
    let filter = filter
        .set_tag(tags.pop())
        .set_object_size_greater_than(more)
        .set_object_size_less_than(less);
    // A filter has at least one condition; the empty prefix matches every key.
    let prefix = prefix.or_else(|| (conditions == 0).then(String::new));
    Ok(filter.set_prefix(prefix).build())
}

fn number(number: Option<u32>) -> Result<Option<i32>> {
    let number = number.map(i32::try_from).transpose();
    number.map_err(|error| Error::invalid_input("a number of days is too large").caused_by(error))
}

fn midnight(day: Day) -> Result<DateTime> {
    let at = day
        .0
        .to_zoned(TimeZone::UTC)
        .map_err(|error| Error::invalid_input(format!("{day} is out of range")).caused_by(error))?;
    Ok(DateTime::from_secs(at.timestamp().as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use lakewright_core::bucket_config::check_lifecycle;
    use proptest::prelude::*;

    fn rules() -> impl Strategy<Value = LifecycleRule> {
        let count = || prop::option::of(1_u32..=i32::MAX as u32);
        let filter = (
            "[a-z/]{0,5}",
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

    proptest! {
        #[test]
        fn rules_round_trip(rule in rules()) {
            prop_assume!(check_lifecycle(std::slice::from_ref(&rule)).is_ok());
            let sdk_rule = write(&rule).unwrap();
            prop_assert_eq!(read(&sdk_rule).unwrap(), rule.normalised());
        }
    }
}
