//! Between the words of declarations and those of the verbs where they differ: a declared rule
//! says what people write and tells what is not said from what is empty, the verbs' rule says all
//! that servers know.

use lakewright_core::bucket_config as verb;
use lakewright_core::spec::{self, Day};
use lakewright_core::{Error, ErrorKind, Result};

fn said(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

pub(super) fn notification_of(notification: verb::Notification) -> spec::Notification {
    let verb::Notification { id, arn, events, prefix, suffix } = notification;
    let events = events.into_iter().collect();
    spec::Notification { id, arn, events, prefix: said(prefix), suffix: said(suffix) }
}

pub(super) fn notification(notification: &spec::Notification) -> verb::Notification {
    let spec::Notification { id, arn, events, prefix, suffix } = notification.clone();
    verb::Notification {
        id,
        arn,
        events: events.into_iter().collect(),
        prefix: prefix.unwrap_or_default(),
        suffix: suffix.unwrap_or_default(),
    }
}

/// # Errors
/// `Unsupported` for what a declaration has no words for: it would be lost with the next change.
pub(super) fn lifecycle_of(rule: verb::LifecycleRule) -> Result<spec::LifecycleRule> {
    let verb::LifecycleRule {
        id,
        enabled,
        prefix,
        tags,
        object_size_greater_than,
        object_size_less_than,
        expire_after_days,
        expire_on,
        expired_object_delete_marker,
        noncurrent_expire_after_days,
        newer_noncurrent_versions,
        abort_incomplete_after_days,
        transitions,
        noncurrent_transitions,
    } = rule;
    let unsaid = [
        ("object_size_greater_than", object_size_greater_than.is_some()),
        ("object_size_less_than", object_size_less_than.is_some()),
        ("abort_incomplete_after_days", abort_incomplete_after_days.is_some()),
        ("transitions", !transitions.is_empty()),
        ("noncurrent_transitions", !noncurrent_transitions.is_empty()),
    ];
    if let Some((word, _)) = unsaid.iter().find(|(_, there)| *there) {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "its lifecycle rule {id:?} has {word}, which a declaration cannot say and would \
                 take away: take the rule away first, or leave \"lifecycle\" out"
            ),
        ));
    }
    Ok(spec::LifecycleRule {
        id,
        enabled: Some(enabled),
        prefix: said(prefix),
        tags: Some(tags).filter(|tags| !tags.is_empty()),
        expire_after_days,
        expire_on: expire_on.map(Day),
        noncurrent_expire_after_days,
        newer_noncurrent_versions,
        expired_object_delete_marker,
    })
}

pub(super) fn lifecycle(rule: &spec::LifecycleRule) -> verb::LifecycleRule {
    let spec::LifecycleRule {
        id,
        enabled: _,
        prefix,
        tags,
        expire_after_days,
        expire_on,
        noncurrent_expire_after_days,
        newer_noncurrent_versions,
        expired_object_delete_marker,
    } = rule.clone();
    verb::LifecycleRule {
        enabled: rule.is_enabled(),
        prefix: prefix.unwrap_or_default(),
        tags: tags.unwrap_or_default(),
        expire_after_days,
        expire_on: expire_on.map(|day| day.0),
        noncurrent_expire_after_days,
        newer_noncurrent_versions,
        expired_object_delete_marker,
        ..verb::LifecycleRule::new(id)
    }
}
