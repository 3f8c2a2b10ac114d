//! `get_notifications`, `set_notifications`

use aws_sdk_s3::types::{
    Event, FilterRule, FilterRuleName, LambdaFunctionConfiguration, NotificationConfiguration,
    NotificationConfigurationFilter, QueueConfiguration, S3KeyFilter, TopicConfiguration,
};
use lakewright_core::bucket_config::{Notification, Target, check_notifications};
use lakewright_core::{ErrorKind, Result};

use super::{code, incomplete};
use crate::Bucket;

impl Bucket {
    /// Whom the bucket tells what happens in it; empty where nobody is told. One without an id
    /// was set by somebody who gave none.
    ///
    /// # Errors
    /// `NotFound` when the bucket is missing; `Unsupported` where it also tells `EventBridge`,
    /// or filters otherwise than by prefix and suffix; `Denied`, whatever keeps the server from
    /// answering.
    pub async fn get_notifications(&self) -> Result<Vec<Notification>> {
        const OPERATION: &str = "get_notifications";
        let request =
            self.s3().sdk.get_bucket_notification_configuration().bucket(self.name.as_str()).send();
        let answer = request.await.map_err(|error| self.refusal(error, OPERATION))?;
        if answer.event_bridge_configuration().is_some() {
            return Err(self.inexpressible("the bucket tells EventBridge", OPERATION));
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
                // Amazon answers with a capital letter.
                match &*name.to_ascii_lowercase() {
                    "prefix" => notification.prefix = value,
                    "suffix" => notification.suffix = value,
                    _ => {
                        let what = format!("a notification filters by {name:?}");
                        return Err(self.inexpressible(&what, OPERATION));
                    }
                }
            }
            notifications.push(notification);
        }
        Ok(notifications)
    }

    /// Says whom the bucket tells what happens in it, instead of those it tells now; none tells
    /// nobody.
    ///
    /// # Errors
    /// `InvalidInput` for a target that the server does not know, an event that it does not
    /// have, and notifications that overlap; `Unsupported` for kinds of targets that it does not
    /// have; `NotFound`, `Denied`, whatever keeps the server from answering.
    pub async fn set_notifications(&self, notifications: &[Notification]) -> Result<()> {
        const OPERATION: &str = "set_notifications";
        check_notifications(notifications).map_err(|error| self.wrong(error, OPERATION))?;
        let mut configuration = NotificationConfiguration::builder();
        for notification in notifications {
            let Notification { id, arn, events, .. } = notification;
            let target = notification.target().map_err(|error| self.wrong(error, OPERATION))?;
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
            let said = error.message().to_owned();
            match code(&error) {
                "InvalidArgument" if said.contains("ARN") => {
                    let mut arns: Vec<_> = notifications.iter().map(|one| &*one.arn).collect();
                    arns.dedup();
                    error.saying(format!(
                        "the server has no such target ({}); configure it on the server first and use \
                         the ARN that it prints",
                        arns.join(", ")
                    ))
                }
                "UnsupportedNotification" => error.of_kind(ErrorKind::Unsupported).saying(
                    "the server tells neither topics nor functions; MinIO's targets are all \
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
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| FilterRule::builder().name(name).value(value).build())
        .collect();
    if rules.is_empty() {
        return None;
    }
    let key = S3KeyFilter::builder().set_filter_rules(Some(rules)).build();
    Some(NotificationConfigurationFilter::builder().key(key).build())
}
