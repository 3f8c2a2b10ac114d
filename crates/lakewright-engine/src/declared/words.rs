//! Between the words of declarations and those of the verbs. A declaration says what people
//! write and compares it by meaning; the verbs' words say all that servers know.

use lakewright_core::bucket_config as verb;
use lakewright_core::spec::{self, Day, Retention, RetentionPeriod};
use lakewright_core::{Error, ErrorKind, Result};

pub(super) fn versioning_of(versioning: verb::Versioning) -> spec::Versioning {
    match versioning {
        verb::Versioning::Enabled => spec::Versioning::Enabled,
        verb::Versioning::Suspended => spec::Versioning::Suspended,
    }
}

pub(super) fn versioning(versioning: spec::Versioning) -> verb::Versioning {
    match versioning {
        spec::Versioning::Enabled => verb::Versioning::Enabled,
        spec::Versioning::Suspended => verb::Versioning::Suspended,
    }
}

pub(super) fn retention_of(lock: &verb::ObjectLock) -> Option<Retention> {
    let mode = match lock.mode? {
        verb::RetentionMode::Governance => spec::RetentionMode::Governance,
        verb::RetentionMode::Compliance => spec::RetentionMode::Compliance,
    };
    let period = match (lock.days, lock.years) {
        (Some(days), _) => RetentionPeriod::Days(days),
        (None, Some(years)) => RetentionPeriod::Years(years),
        (None, None) => return None,
    };
    Some(Retention { mode, period })
}

pub(super) fn object_lock(retention: Option<Retention>) -> verb::ObjectLock {
    let Some(Retention { mode, period }) = retention else { return verb::ObjectLock::default() };
    let mode = match mode {
        spec::RetentionMode::Governance => verb::RetentionMode::Governance,
        spec::RetentionMode::Compliance => verb::RetentionMode::Compliance,
    };
    let (days, years) = match period {
        RetentionPeriod::Days(days) => (Some(days), None),
        RetentionPeriod::Years(years) => (None, Some(years)),
    };
    verb::ObjectLock { mode: Some(mode), days, years }
}

pub(super) fn encryption_of(encryption: verb::Encryption) -> spec::Encryption {
    match encryption {
        verb::Encryption::SseS3 => spec::Encryption::SseS3,
        verb::Encryption::SseKms(key) => spec::Encryption::SseKms(key),
    }
}

pub(super) fn encryption(encryption: &spec::Encryption) -> verb::Encryption {
    match encryption {
        spec::Encryption::SseS3 => verb::Encryption::SseS3,
        spec::Encryption::SseKms(key) => verb::Encryption::SseKms(key.clone()),
    }
}

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
