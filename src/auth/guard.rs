//! The guard over one field.

use std::sync::Arc;

use async_graphql::{Context, ErrorExtensions, Guard, Result};

use super::access::{Access, Denial};

/// Lets a field be resolved only for callers that have the scope.
#[derive(Clone, Debug)]
pub struct RequireScope {
    /// For example `Mutation:Person:Create`.
    pub scope: Arc<str>,
}

impl Guard for RequireScope {
    async fn check(&self, ctx: &Context<'_>) -> Result<()> {
        let access = ctx.data_opt::<Arc<Access>>().map(AsRef::as_ref);
        self.check_access(access).map_err(Denial::into_error)
    }
}

impl RequireScope {
    /// A request of which nobody has told who sent it is refused.
    fn check_access(&self, access: Option<&Access>) -> std::result::Result<(), Denial> {
        access.unwrap_or(&Access::Anonymous).check(&self.scope)
    }
}

impl Denial {
    /// With `code` and `requiredScopes` as extensions. Not by `?`: that would keep the text only.
    pub fn into_error(self) -> async_graphql::Error {
        async_graphql::Error::new(self.message()).extend_with(|_, extensions| {
            extensions.set("code", self.code());
            extensions.set("requiredScopes", vec![self.required_scope.as_ref()]);
        })
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};

    use super::*;

    struct Query;

    #[Object]
    impl Query {
        #[graphql(guard = "RequireScope { scope: Arc::from(\"Mutation:Person:Create\") }")]
        async fn guarded(&self) -> bool {
            true
        }
    }

    #[tokio::test]
    async fn a_request_without_access_is_refused_and_told_the_scope() {
        let schema = Schema::build(Query, EmptyMutation, EmptySubscription).finish();
        let response = schema.execute("{ guarded }").await;
        let errors = serde_json::to_value(&response.errors).unwrap();
        assert_eq!(errors[0]["message"], "No authorization token.");
        assert_eq!(
            errors[0]["extensions"],
            serde_json::json!({
                "code": "UNAUTHENTICATED", "requiredScopes": ["Mutation:Person:Create"]
            })
        );
    }
}
