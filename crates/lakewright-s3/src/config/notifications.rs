//! `get_notifications`, `set_notifications`

use aws_sdk_s3::types::{
    Event, FilterRule, FilterRuleName, LambdaFunctionConfiguration, NotificationConfiguration,
    NotificationConfigurationFilter, QueueConfiguration, S3KeyFilter, TopicConfiguration,
};
use lakewright_core::bucket_config::{Notification, Target, check_notifications};
use lakewright_core::{Error, ErrorKind, Result};

use super::{code, incomplete};
use crate::Bucket;
use lakewright_core::bucket_config::server_text::has_no_such_target;

impl Bucket {
    /// Returns the notifications of the bucket. Other clients may have set some without an id.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing; `Unsupported` for notifications to `EventBridge` and
    /// for filters other than prefix and suffix; `Denied`, and failures of the request.
    pub async fn get_notifications(&self) -> Result<Vec<Notification>> {
        const OPERATION: &str = "get_notifications";
        let request =
            self.s3().sdk.get_bucket_notification_configuration().bucket(self.name.as_str()).send();
        let answer = request.await.map_err(|error| self.refusal(error, OPERATION))?;
        if answer.event_bridge_configuration().is_some() {
            return Err(self.inexpressible("the bucket notifies EventBridge", OPERATION));
        }
        let queues = answer
            .queue_configurations()
            .iter()
            .map(|one| (one.id(), one.queue_arn(), one.events(), one.filter()));
        let topics = answer
            .topic_configurations()
            .iter()
            .map(|one| (one.id(), one.topic_arn(), one.events(), one.filter()));
        let functions = answer
            .lambda_function_configurations()
            .iter()
            .map(|one| (one.id(), one.lambda_function_arn(), one.events(), one.filter()));
        let mut notifications = Vec::new();
        for (id, arn, events, filter) in queues.chain(topics).chain(functions) {
            let mut notification = Notification {
                id: id.unwrap_or_default().to_owned(),
                arn: arn.to_owned(),
                events: events.iter().map(|event| event.as_str().to_owned()).collect(),
                ..Notification::default()
            };
            let rules = filter.and_then(NotificationConfigurationFilter::key);
            for rule in rules.map(S3KeyFilter::filter_rules).unwrap_or_default() {
                let value = rule.value().unwrap_or_default().to_owned();
                let name = rule.name().map_or("", FilterRuleName::as_str);
                // Amazon S3 writes the names with a capital letter.
                match &*name.to_ascii_lowercase() {
                    "prefix" => notification.prefix = Some(value),
                    "suffix" => notification.suffix = Some(value),
                    _ => {
                        let what = format!("a notification filters by {name:?}");
                        return Err(self.inexpressible(&what, OPERATION));
                    }
                }
            }
            notifications.push(notification.normalised());
        }
        Ok(notifications)
    }

    /// Replaces the notifications of the bucket; an empty slice removes all.
    ///
    /// # Errors
    /// `InvalidInput` for a fault of the value, with its path, for a target or an event that the
    /// server does not know, and for notifications that overlap; `Unsupported` for kinds of
    /// targets that it does not have; `NotFound`, `Denied`, and failures of the request.
    pub async fn set_notifications(&self, notifications: &[Notification]) -> Result<()> {
        const OPERATION: &str = "set_notifications";
        check_notifications(notifications).map_err(|error| self.wrong(error, OPERATION))?;
        let mut configuration = NotificationConfiguration::builder();
        for notification in notifications {
            let Notification { id, arn, events, .. } = notification;
            // The check refused an ARN of another kind.
            let Some(target) = notification.target() else {
                let why = format!("{arn:?} is not the ARN of a target");
                return Err(self.wrong(Error::invalid_input(why), OPERATION));
            };
            let events = Some(events.iter().map(|event| Event::from(event.as_str())).collect());
            let filter = filter(notification);
            let added = match target {
                Target::Queue => QueueConfiguration::builder()
                    .id(id)
                    .queue_arn(arn)
                    .set_events(events)
                    .set_filter(filter)
                    .build()
                    .map(|one| configuration.queue_configurations(one)),
                Target::Topic => TopicConfiguration::builder()
                    .id(id)
                    .topic_arn(arn)
                    .set_events(events)
                    .set_filter(filter)
                    .build()
                    .map(|one| configuration.topic_configurations(one)),
                Target::Function => LambdaFunctionConfiguration::builder()
                    .id(id)
                    .lambda_function_arn(arn)
                    .set_events(events)
                    .set_filter(filter)
                    .build()
                    .map(|one| configuration.lambda_function_configurations(one)),
            };
            configuration = added.map_err(|error| self.wrong(incomplete(error), OPERATION))?;
        }
        let request = self
            .s3()
            .sdk
            .put_bucket_notification_configuration()
            .bucket(self.name.as_str())
            .notification_configuration(configuration.build())
            .send();
        request.await.map(drop).map_err(|error| {
            let error = self.refusal(error, OPERATION);
            if has_no_such_target(&error) {
                let mut arns: Vec<_> = notifications.iter().map(|one| &*one.arn).collect();
                arns.dedup();
                return error.with_message(format!(
                    "the server has no such target ({}); configure it on the server first and use \
                     the ARN that it prints",
                    arns.join(", ")
                ));
            }
            match code(&error) {
                "UnsupportedNotification" => error.with_kind(ErrorKind::Unsupported).with_message(
                    "the server notifies neither topics nor functions; MinIO's targets are all \
                     arn:minio:sqs:…",
                ),
                _ => error,
            }
        })
    }
}

fn filter(notification: &Notification) -> Option<NotificationConfigurationFilter> {
    let Notification { prefix, suffix, .. } = notification;
    let rules: Vec<_> = [(FilterRuleName::Prefix, prefix), (FilterRuleName::Suffix, suffix)]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_ref().filter(|value| !value.is_empty())?)))
        .map(|(name, value)| FilterRule::builder().name(name).value(value).build())
        .collect();
    if rules.is_empty() {
        return None;
    }
    let key = S3KeyFilter::builder().set_filter_rules(Some(rules)).build();
    Some(NotificationConfigurationFilter::builder().key(key).build())
}
