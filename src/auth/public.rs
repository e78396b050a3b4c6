//! Which operations need no scope.

use crate::scope::{Operation, Scope};

/// Operations that anybody may run. Mutations never are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicOperations {
    /// Reading.
    pub queries: bool,
    /// Being told of changes.
    pub subscriptions: bool,
}

impl Default for PublicOperations {
    fn default() -> Self {
        Self { queries: true, subscriptions: true }
    }
}

impl PublicOperations {
    /// Whether a scope is needed by anything.
    pub fn is_guarded(self, scope: &Scope) -> bool {
        let is_of = |operation: Operation| scope.parts().0 == operation.as_str();
        !(self.queries && is_of(Operation::Query) || self.subscriptions && is_of(Operation::Subscription))
    }
}
