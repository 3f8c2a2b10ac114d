//! The limit for responses other than objects.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextMut;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use lakewright_client::limit_response;

/// Limits every response that the SDK reads whole. Only an object that is being read is passed on
/// as a stream.
#[derive(Debug)]
pub(super) struct LimitResponses;

impl Intercept for LimitResponses {
    fn name(&self) -> &'static str {
        "limit responses"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let reads_object =
            config.load::<Metadata>().is_some_and(|operation| operation.name() == "GetObject");
        if !(reads_object && context.response().status().is_success()) {
            limit_response(context.response_mut());
        }
        Ok(())
    }
}
